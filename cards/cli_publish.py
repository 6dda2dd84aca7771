"""`python -m cards publish`: what is asked before a dataset goes out, and what is said of it."""

import argparse
import re
import sys
from collections.abc import Iterable
from dataclasses import replace

from huggingface_hub import HfApi, constants, get_token
from upath import UPath

from cards.build import read_build
from cards.card import card_text, load_card, write_card
from cards.gate import ALLOW_DEMO_MODEL, ALLOW_NO_LICENCE, ALLOW_UNVALIDATED, overruled, refusals
from cards.hub import Item, Plan, check_endpoint, check_tag, items, plan, push
from cards.publish import MANIFEST, Folder, dataset_files, publish
from cards.redaction import redacted
from cards.retry import Failure, failure_of, persist

FIRST_PATIENCE_SECONDS = 60.0
LISTED = 40
NOT_STATED = "unknown"  # the Hub's word for a licence that nobody knows
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_TAG = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}")
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
    target.add_argument("--repo", metavar="ORG/NAME", help="a dataset of the Hugging Face Hub; made if it is not there")
    target.add_argument("--to", metavar="FOLDER", help="a folder or URI that is empty or not there yet")
    parser.add_argument("--revision", default="", metavar="v1", help="with --repo: tag this version")
    parser.add_argument("--public", action="store_true", help="with --repo: for everybody to see; private otherwise")
    parser.add_argument("--partial", action="store_true", help="publish what is done of a build that is not finished")
    parser.add_argument("--yes", action="store_true", help="with --repo: do not ask")
    for flag, meaning in _FLAGS.items():
        parser.add_argument(flag, dest="allowed", action="append_const", const=flag, default=[], help=meaning)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Publish, and say what was published. Raises `Refused`, or ValueError or OSError, when nothing was."""
    out = UPath(options.out)
    build = read_build(out)
    card = load_card(build.card)
    if options.repo:
        card = replace(card, repo_id=options.repo)
    finished = build.status == "finished"
    if not finished and not options.partial:
        raise Refused(
            f"{out} is not finished (its status is {build.status or 'unknown'!r}): run its command again until it is, "
            "or publish what is done with --partial"
        )
    if reasons := refusals(out, card, options.allowed):
        raise Refused(*(f"{out} is not published: {reason}" for reason in reasons))
    confessed = overruled(out, card, options.allowed)
    card = card if card.licence else replace(card, licence=NOT_STATED)
    if not finished:
        write_card(out, card, partial=True)
    text = card_text(out, card, confessed, partial=not finished)
    if options.to:
        try:
            files = publish(out, text, Folder(UPath(options.to)))
        except ImportError as error:  # fsspec knows stores whose package is not installed
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


def _push(options: argparse.Namespace, out: UPath, name: str, text: str, licence: str, confessed: list[str]) -> int:
    repo = options.repo
    if not _REPO.fullmatch(repo):
        raise Refused(f"--repo is {repo!r}, expected an account or organisation and a name, such as babel/vqa-it")
    if options.revision and not _TAG.fullmatch(options.revision):
        raise Refused(f"--revision is {options.revision!r}, expected the name of a version, such as v1")
    check_endpoint(constants.ENDPOINT)
    token = get_token()
    if not token:
        raise Refused("no token: set HF_TOKEN, or log in with `hf auth login`")
    api = HfApi(token=token)
    user = persist(lambda: str(api.whoami()["name"]), "asking who we are", _say, 0)
    _say(f"reading {out / 'dataset'}")
    files = dataset_files(out)
    if not any(file.path == MANIFEST for file in files):
        raise Refused(f"{out / 'dataset' / MANIFEST} is not there: write it with `python -m cards refresh {out}`")
    wanted = items(files, text)
    planned = persist(lambda: plan(api, repo, name, wanted), f"looking at {repo}", _say, FIRST_PATIENCE_SECONDS)
    if planned.private is False and not options.public:
        raise Refused(f"{repo} is public: whatever is pushed is public at once; say --public if that is meant")
    if options.revision:
        check_tag(api, planned, options.revision)
    for line in described(planned, user, licence, confessed, options.public, options.revision):
        print(line)
    if not planned.nothing_to_do and not options.yes:
        _ask(repo)
    head = push(api, name, planned, options.public, options.revision, _say)
    link = f"{constants.ENDPOINT}/datasets/{repo}"
    done = "nothing to push: it holds these files already" if planned.nothing_to_do else "pushed and verified"
    print(f"{done}: {link} at {head[:8]}{f', {options.revision}' if options.revision else ''}")
    return 0


def described(
    planned: Plan, user: str, licence: str, confessed: list[str], public: bool, revision: str
) -> Iterable[str]:
    """What a push will do, in lines for whoever is asked."""
    is_now = {None: "new", True: "private", False: "public"}[planned.private]
    to_be = "public" if public else "private"
    yield f"push to    {planned.repo} ({is_now if is_now == to_be else f'{is_now}, will be {to_be}'}) as {user}"
    yield f"revision   main{f', tag {revision}' if revision else ''}"
    yield f"licence    {licence}"
    yield f"gate       {'overruled: ' + '; '.join(confessed) if confessed else 'passed'}"
    for called, group in (("new", planned.new), ("changed", planned.changed), ("same", planned.same)):
        if group:
            yield f"{called:<10} {_files(len(group))}, {_size(sum(item.bytes for item in group))}"
            yield from _listed(group if called != "same" else ())
    for called, paths in (("deleted", planned.deleted), ("left as is", planned.kept)):
        if paths:
            yield f"{called:<10} {_files(len(paths))}: {', '.join(paths[:5])}{', …' if len(paths) > 5 else ''}"


def _listed(group: Iterable[Item]) -> Iterable[str]:
    group = list(group)
    for item in group[:LISTED]:
        yield f"           {_size(item.bytes):>9}  {item.path}"
    if len(group) > LISTED:
        yield f"           … and {len(group) - LISTED:,} more"


def _ask(repo: str) -> None:
    if not sys.stdin.isatty():
        raise Refused(f"nobody is there to say yes to pushing to {repo}: add --yes")
    if input("push? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused(f"nothing is pushed to {repo}")


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


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
