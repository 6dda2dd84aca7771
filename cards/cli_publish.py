"""`python -m cards publish`: what is asked before a dataset goes out, and what is said of it."""

import argparse
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from huggingface_hub import HfApi, constants, get_token
from upath import UPath

from cards.build import read_build
from cards.card import NOT_STATED, Card, card_of, card_text, write_card
from cards.gate import ALLOW_DEMO_MODEL, ALLOW_NO_LICENCE, ALLOW_UNVALIDATED, overruled, refusals
from cards.hub import Item, Plan, check_endpoint, check_tag, foreign_edit, items, plan, push
from cards.publish import CARD, LOCAL, MANIFEST, Folder, dataset_files, listed_files, publish
from cards.redaction import redacted
from cards.retry import Failure, failure_of, persist
from cards.text import size, visible

FIRST_PATIENCE_SECONDS = 60.0
LISTED = 40
SMALLER = "a build of fewer rows: --limit, a new --output, and this one's --memory (BUILD/memory.sqlite if not given)"
# What the Hub and git take for a name, and of a tag not what `revision=` would find first: a branch.
_REPO = re.compile(
    r"(?!.*(--|\.\.|[.-](/|$)|\.git$))[a-z0-9][\w.-]{0,95}/[a-z0-9][\w.-]{0,95}", re.ASCII | re.IGNORECASE
)
_TAG = re.compile(r"(?!main$|head$|.*(\.\.|\.$|\.lock$))[a-z0-9][\w.+-]{0,63}", re.ASCII | re.IGNORECASE)
_FLAGS = {
    ALLOW_UNVALIDATED: "publish although too few people accepted the rows, or nobody judged them; the card says so",
    ALLOW_DEMO_MODEL: "publish although the demo model translated it; the card says so",
    ALLOW_NO_LICENCE: "publish although no licence is stated; the card says so",
}


class Refused(ValueError):
    """Why nothing was published, a line each."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `publish` to the commands of `python -m cards`."""
    parser = commands.add_parser("publish", help="give out a finished dataset, if nothing stands against it")
    parser.add_argument("out", metavar="BUILD", help="the build's folder or URI")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--repo", default="", metavar="ORG/NAME", help="a dataset of the Hugging Face Hub; made if it is not there"
    )
    target.add_argument("--to", metavar="FOLDER", help="a folder or URI that is empty or not there yet")
    parser.add_argument("--revision", default="", metavar="v1", help="with --repo: tag this version")
    parser.add_argument("--public", action="store_true", help="with --repo: for everybody to see; private otherwise")
    parser.add_argument(
        "--partial",
        action="store_true",
        help="publish the rows that an unfinished build has in dataset/. The last stage writes them: to publish before "
        f"it ran, make {SMALLER}",
    )
    parser.add_argument("--yes", action="store_true", help="with --repo: do not ask")
    add_allowances(parser)
    parser.set_defaults(run=run)


def add_allowances(parser: argparse.ArgumentParser) -> None:
    """Add the flags that overrule the gate; those that are given are in `allowed`."""
    for flag, meaning in _FLAGS.items():
        parser.add_argument(flag, dest="allowed", action="append_const", const=flag, default=[], help=meaning)


def as_published(out: UPath, repo: str, allowed: Collection[str]) -> tuple[Card, list[str]]:
    """The card of the build in `out` as it is published to `repo`, if any, and what it confesses to be overruled."""
    card = card_of(read_build(out))
    card = replace(card, repo_id=repo or card.repo_id)
    return replace(card, licence=card.licence or NOT_STATED), overruled(out, card, allowed)


def run(options: argparse.Namespace) -> int:
    """Publish, and say what was published. Raises `Refused`, or ValueError or OSError, when nothing was."""
    out = UPath(options.out)
    _check_target(options, out)
    build = read_build(out)
    finished = build.status == "finished"
    if not finished and not options.partial:
        raise Refused(
            f"{out} is not finished (its status is {build.status or 'unknown'!r}): run its command again until it is, "
            "or publish what is done with --partial"
        )
    if not finished and not listed_files(out):
        raise Refused(
            f"{out / 'dataset'} holds no rows yet: the last stage writes them. To publish before it ran, make {SMALLER}"
        )
    if reasons := refusals(out, card_of(build), options.allowed):
        raise Refused(*(f"{out} is not published: {reason}" for reason in reasons))
    card, confessed = as_published(out, options.repo, options.allowed)
    if not finished or not (out / "dataset" / MANIFEST).is_file():
        write_card(out, card, partial=not finished)
    text = card_text(out, card, confessed, partial=not finished)
    if options.to:
        try:
            files = publish(out, text, Folder(UPath(options.to)))
        except (ImportError, OSError) as error:  # fsspec knows stores whose package is not installed
            raise Refused(f"--to {options.to}: {error}") from None
        print(f"published {len(files)} files and the card to {options.to}")
        return 0
    try:
        return _push(options, out, build.name, text, card.licence, confessed)
    except KeyboardInterrupt:
        raise Refused("stopped; the same command goes on from here") from None
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        raise Refused(_line(failure, options.repo)) from None


def _check_target(options: argparse.Namespace, out: UPath) -> None:
    if options.to:
        if options.revision or options.public:
            raise Refused("--revision and --public are of a dataset of the Hub: give --repo with them, and not --to")
        if _is_within(UPath(options.to), out):
            raise Refused(f"--to {options.to} lies in the build: give a folder outside of {out}")
        return
    if not _REPO.fullmatch(options.repo):
        raise Refused(
            f"--repo is {options.repo!r}, expected an account or organisation and a name, such as babel/vqa-it"
        )
    if options.revision and not _TAG.fullmatch(options.revision):
        raise Refused(f"--revision is {options.revision!r}, expected the name of a version, such as v1")


def _is_within(place: UPath, out: UPath) -> bool:
    if place.protocol in LOCAL and out.protocol in LOCAL:
        return Path(place.path).resolve().is_relative_to(Path(out.path).resolve())
    return place.protocol == out.protocol and place.is_relative_to(out)


def _push(options: argparse.Namespace, out: UPath, name: str, text: str, licence: str, confessed: list[str]) -> int:
    repo = options.repo
    check_endpoint(constants.ENDPOINT)
    token = get_token()
    if not token:
        raise Refused("no token: set HF_TOKEN, or log in with `hf auth login`")
    api = HfApi(token=token)
    user = persist(lambda: str(api.whoami()["name"]), "asking who we are", _say, 0)
    _say(f"reading {out / 'dataset'}")
    wanted = items(dataset_files(out), text)
    planned = persist(lambda: plan(api, repo, name, wanted), f"looking at {repo}", _say, FIRST_PATIENCE_SECONDS)
    if planned.private is False and not options.public:
        raise Refused(f"{repo} is public: whatever is pushed is public at once; say --public if that is meant")
    if options.revision:
        check_tag(api, planned, options.revision)
    edit = persist(lambda: foreign_edit(api, name, planned), f"looking at {repo}", _say, FIRST_PATIENCE_SECONDS)
    for line in described(planned, user, licence, confessed, options.public, options.revision, edit):
        print(line)
    opened = options.public and planned.private
    if not options.yes and (opened or not planned.nothing_to_do):
        _ask(f"making {repo} public" if planned.nothing_to_do else f"pushing to {repo}")
    head = push(api, name, planned, options.public, options.revision, _say)
    link = f"{constants.ENDPOINT}/datasets/{repo}"
    done = "nothing to push: it holds these files already" if planned.nothing_to_do else "pushed and verified"
    notes = f"{f', {options.revision}' if options.revision else ''}{', made public' if opened else ''}"
    print(f"{done}: {link} at {head[:8]}{notes}")
    return 0


def described(
    planned: Plan, user: str, licence: str, confessed: list[str], public: bool, revision: str, edit: str
) -> Iterable[str]:
    """What a push will do, in lines for whoever is asked; `edit` is whose change of the card it replaces, if any."""
    is_now = {None: "new", True: "private", False: "public"}[planned.private]
    to_be = "public" if public else "private"
    yield f"push to    {planned.repo} ({is_now if is_now == to_be else f'{is_now}, will be {to_be}'}) as {user}"
    yield f"revision   main{f', tag {revision}' if revision else ''}"
    yield f"licence    {licence}"
    yield f"gate       {'overruled: ' + '; '.join(confessed) if confessed else 'passed'}"
    for called, group in (("new", planned.new), ("changed", planned.changed), ("same", planned.same)):
        if group:
            yield f"{called:<10} {_files(len(group))}, {size(sum(item.bytes for item in group))}"
            yield from _listed(group if called != "same" else ())
    for called, paths in (("deleted", planned.deleted), ("left as is", planned.kept)):
        if paths:
            yield f"{called:<10} {_files(len(paths))}: {', '.join(paths[:5])}{', …' if len(paths) > 5 else ''}"
    if edit:
        yield f"replaced   {CARD}, which somebody else changed there: {visible(edit)!r}"


def _listed(group: Iterable[Item]) -> Iterable[str]:
    group = list(group)
    for item in group[:LISTED]:
        yield f"           {size(item.bytes):>9}  {item.path}"
    if len(group) > LISTED:
        yield f"           … and {len(group) - LISTED:,} more"


def _ask(doing: str) -> None:
    if not sys.stdin.isatty():
        raise Refused(f"nobody is there to say yes to {doing}: add --yes")
    if input(f"{doing}: go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("stopped, and nothing is changed there")


def _line(failure: Failure, repo: str) -> str:
    """What went wrong at the Hub in one line, and what to do."""
    printable = "".join(letter if letter.isprintable() else " " for letter in redacted(failure.message))
    said = " ".join(printable.split())[:300]
    namespace = repo.split("/")[0]
    match failure.status:
        case None:
            return f"{constants.ENDPOINT} does not answer ({said}): look at the network; the same command goes on"
        case 401:
            return f"the Hub does not accept the token ({said}): set HF_TOKEN to one that may write to {namespace}"
        case 402 | 413 | 507:
            return f"no room for it in {namespace} ({said}): make room, or have the quota raised"
        case 403 if any(word in said.lower() for word in ("storage", "quota", "limit", "billing")):
            return f"no room for it in {namespace} ({said}): make room, or have the quota raised"
        case 403 if "xet-write-token" in said:  # hf_xet does not pass on what the Hub says
            return f"the Hub takes no file for {repo} ({said}): is there a right to write, and room in the quota?"
        case 403:
            return f"no right to write to {repo} ({said}): ask {namespace} for it, or give another --repo"
        case 404:
            return f"{repo}: the Hub does not find it ({said})"
        case 429:
            return f"the Hub has had too many requests ({said}): the same command goes on later"
        case status if failure.retried:
            return f"the Hub fails with {status} ({said}): the same command goes on from here later"
    return f"the Hub refuses with {failure.status} ({said})"


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
