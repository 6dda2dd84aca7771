"""A recipe's config: one frozen dataclass that is the command line, the fingerprint and the card's table."""

import argparse
import dataclasses
import difflib
import shlex
import sys
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

C = TypeVar("C", bound="BuildConfig")
EVERY_CLASS = "*"
HIDDEN = "…"


def flag(
    default: Any,
    help: str,
    *,
    fingerprint: bool = True,
    paths: bool = False,
    personal: bool = False,
    public: bool = False,
    above: float | None = None,
    **argument: Any,
) -> Any:
    """A config field that is a flag.

    `fingerprint=False`: it does not change what is built. `paths`: files or folders that the build reads. Where they
    lie is neither fingerprinted nor published: in the published command the flag's metavar stands for them, beside the
    words that a metavar such as `DIR|embed|path` names. `personal`: it is written nowhere and not fingerprinted, such
    as an e-mail address; where the config is shown or the command that was given, "…" stands for it, and in the
    published one the flag's metavar. `public`: it belongs to the published command though it is not fingerprinted by
    itself, such as a model, which names itself; of a path, only its last part. `above`: a number must be greater than
    this. Further keywords (`choices`, `metavar`, `nargs`, `const`) go to argparse.
    """
    return field(
        default=default,
        metadata={
            "help": help,
            "fingerprint": fingerprint and not personal and not paths,
            "paths": paths,
            "personal": personal,
            "public": public,
            "above": above,
            "argument": argument,
        },
    )


@dataclass(frozen=True)
class BuildConfig:
    """What every build can be told."""

    output: str = flag("", "folder or URI of the build; the same command resumes it", fingerprint=False, metavar="OUT")
    limit: int = flag(0, "only the first N rows (0: all)", above=-1, metavar="N")
    shard_rows: int = flag(2000, "rows a shard", above=0, metavar="N")
    seed: int = flag(0, "seed of every choice made for a row", metavar="N")
    workers: int = flag(
        0, "workers a stage (0: as many as the cluster holds)", fingerprint=False, above=-1, metavar="N"
    )
    cpus_per_worker: float = flag(1.0, "CPUs a worker takes", fingerprint=False, above=0, metavar="X")
    gpus_per_worker: float = flag(
        -1.0, "GPUs a translating worker takes (-1: one if the cluster has any)", fingerprint=False, metavar="X"
    )
    address: str = flag(
        "", "Ray cluster: auto, or host:port (default: the one of $RAY_ADDRESS, or this machine)", fingerprint=False
    )
    shard_minutes: float = flag(
        60.0,
        "a worker that needs longer for a shard is taken for hung and replaced",
        fingerprint=False,
        above=0,
        metavar="X",
    )
    retry_failed: str = flag(
        "",
        "run the failed rows again, all or those of one error class",
        fingerprint=False,
        nargs="?",
        const=EVERY_CLASS,
        metavar="CLASS",
    )
    dry_run: bool = flag(False, "check everything, forecast the work, and stop", fingerprint=False)

    @property
    def spared(self) -> str:
        """What a build in another place need not do again, and how to say so: the end of "choose another --output"."""
        return ""

    def problems(self) -> list[str]:
        """What is out of range, a sentence each."""
        return [
            f"{_option(item.name)} {getattr(self, item.name):g}: it must be above {item.metadata['above']:g}"
            for item in dataclasses.fields(self)
            if item.metadata["above"] is not None and getattr(self, item.name) <= item.metadata["above"]
        ]

    def published(self) -> dict[str, Any]:
        """The fingerprinted fields as a card may show them."""
        values = self.fingerprinted()
        return {name: _pathless(value) if isinstance(value, str) else value for name, value in values.items()}

    def written(self) -> dict[str, Any]:
        """All fields as they may be written down."""
        personal = self._personal()
        return {
            name: HIDDEN if name in personal and value else value for name, value in dataclasses.asdict(self).items()
        }

    def command(self) -> str:
        """The command that was given, as it may be written down."""
        flags = {_option(name) for name in self._personal()}
        words = ["python"]
        for word in sys.argv:
            option, equals, _ = word.partition("=")
            if words[-1] in flags:
                word = HIDDEN
            elif equals and option in flags:
                word = f"{option}={HIDDEN}"
            words.append(word)
        return " ".join(words)

    def _personal(self) -> set[str]:
        return {item.name for item in dataclasses.fields(self) if item.metadata["personal"]}

    def public_command(self) -> str:
        """The command that builds the same from the same inputs, wherever they lie."""
        words = ["python", f"builders/{Path(sys.argv[0]).name}", "--output", "OUT"]
        published = self.published()
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if value == item.default:
                continue
            if item.metadata["personal"] or item.metadata["paths"]:
                value = _placeholders(value, item.metadata["argument"]["metavar"])
            elif item.metadata["public"]:
                value = _pathless(value)
            elif item.name in published:
                value = published[item.name]
            else:
                continue
            words += [_option(item.name), *map(str, value if isinstance(value, tuple) else (value,))]
        return shlex.join(words)

    def fingerprinted(self) -> dict[str, Any]:
        """The fields that decide what is built."""
        return {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.metadata.get("fingerprint", True)
        }


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _pathless(value: str) -> str:
    """A name as it is, a path of this machine without its folders."""
    return Path(value).name if value.startswith((".", "/", "~")) or Path(value).exists() else value


def _placeholders(value: str | tuple[str, ...], metavar: str) -> tuple[str, ...]:
    """What stands for paths: of `DIR|embed|path` the first, but the words that it names are themselves."""
    path, *names = metavar.split("|")
    words = value if isinstance(value, tuple) else (value,)
    return tuple(dict.fromkeys(word if word in names else path for word in words))


class _Parser(argparse.ArgumentParser):
    """An argument parser that says which flag may have been meant."""

    def error(self, message: str) -> NoReturn:
        _, _, rest = message.partition("unrecognized arguments: ")
        known = [option for action in self._actions for option in action.option_strings]
        for word in rest.split():
            near = difflib.get_close_matches(word.split("=")[0], known, n=1)
            if near:
                message += f"\ndid you mean {near[0]}?"
        super().error(message)


def parse(config: type[C], description: str, examples: str, arguments: Sequence[str] | None = None) -> C:
    """Read a config from the command line."""
    parser = _Parser(
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    hints = typing.get_type_hints(config)
    groups: dict[type, Any] = {}
    for item, owner in _own_first(config):
        if owner not in groups:
            groups[owner] = parser.add_argument_group((owner.__doc__ or owner.__name__).partition(".")[0])
        options = dict(item.metadata["argument"])
        default = item.default
        if hints[item.name] is bool:
            options["action"] = argparse.BooleanOptionalAction if default else "store_true"
        elif typing.get_origin(hints[item.name]) is tuple:
            options.setdefault("nargs", "+")
        else:
            options["type"] = _plain(hints[item.name])
        text = item.metadata["help"]
        if default not in ("", (), False, None) and "default" not in text:
            shown = " ".join(default) if isinstance(default, tuple) else default
            text += f" (default: {shown})"
        groups[owner].add_argument(_option(item.name), default=default, help=text.replace("%", "%%"), **options)
    values = vars(parser.parse_args(arguments))
    flags: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return config(**flags)


def _own_first(config: type[BuildConfig]) -> list[tuple[dataclasses.Field[Any], type]]:
    """The flags of a config, each with the class that it is said in: its own first, those of every build last."""
    flags = [
        (item, next(each for each in config.__mro__ if item.name in vars(each).get("__annotations__", {})))
        for item in dataclasses.fields(config)
        if "help" in item.metadata
    ]
    return sorted(flags, key=lambda flag: 2 * (flag[1] is BuildConfig) - (flag[1] is config))


def _plain(hint: Any) -> Any:
    """The type to parse: `int` of `int` and of `int | None`."""
    if isinstance(hint, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint
