"""Every row by its language: what went in, what was written, and what each filter and error took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cards.build import Build, Counts, Losses
from cards.dataset import Part, Shard, rows_by_language

REASONS_SHOWN = 8
UNSTATED = ""
OTHERS = "other reasons"


@dataclass(frozen=True)
class Account:
    """The rows of a language; `rows_in` is None where the files do not say it."""

    language: str
    rows_in: int | None
    written: int
    refused: Mapping[str, int]
    failed: int


@dataclass(frozen=True)
class Accounts:
    """An account for each language; `reasons` are the filters, the costliest first."""

    reasons: tuple[str, ...]
    languages: tuple[Account, ...]


def copies(build: Build, shards: Sequence[Shard], original: str) -> int:
    """How many rows are there a second time, in the language `original` that they were translated from: those that the
    stage made that published a configuration of it."""
    there = any(shard.config == original for shard in shards)
    return sum(max(0, stage.made) for stage in build.stages if there and stage.name == "publish")


def by_language(
    codes: Sequence[str], counts: Counts, splits: Sequence[Part], rejected: Losses, failed: Losses
) -> Accounts:
    """Accounts of the languages `codes`; rows that state no language are the only one's, or stand by themselves.

    There are none where no row states a language, and stages made rows or left some out.
    """
    shown = [reason.name for reason in rejected.reasons[:REASONS_SHOWN]]
    written = rows_by_language(splits)
    refused = {reason.name: dict(reason.languages) for reason in rejected.reasons}
    failures = [dict(reason.languages) for reason in failed.reasons]
    if len(codes) == 1 and not counts.rows_made:
        every = _grouped({reason.name: reason.rows for reason in rejected.reasons}, shown)
        only = Account(codes[0], counts.rows_in, counts.rows_written, every, counts.rows_failed)
        return Accounts(tuple(every), (only,))
    if counts.rows_made and not written:
        return Accounts((), ())
    kept = _kept(counts, splits)
    languages = []
    for code in dict.fromkeys((*codes, *written, *(code for lost in (*refused.values(), *failures) for code in lost))):
        lost = {name: each.get(code, 0) for name, each in refused.items()}
        broken = sum(each.get(code, 0) for each in failures)
        rows_in = None if kept is None else kept.get(code, 0) + sum(lost.values()) + broken
        languages.append(Account(code, rows_in, written[code], _grouped(lost, shown), broken))
    unstated = {reason.name: reason.rows - sum(reason.languages.values()) for reason in rejected.reasons}
    broken = failed.rows - sum(sum(each.values()) for each in failures)
    rest = sum(part.rows for part in splits) - written.total()
    if any(unstated.values()) or broken or rest:
        rows_in = None if kept is None else sum(unstated.values()) + broken
        languages.append(Account(UNSTATED, rows_in, rest, _grouped(unstated, shown), broken))
    return Accounts(tuple(_grouped(dict.fromkeys(refused, 0), shown)), tuple(languages))


def _kept(counts: Counts, splits: Sequence[Part]) -> Mapping[str, int] | None:
    """Of the rows that went in, those that were kept, by language; None where no files hold just these.

    Where rows are made between stages, one configuration may hold those that they were made of: it has as many.
    """
    left = counts.rows_in - counts.rows_rejected - counts.rows_failed
    for config in dict.fromkeys(part.config for part in splits):
        its = [part for part in splits if part.config == config]
        languages = rows_by_language(its)
        if sum(part.rows for part in its) == languages.total() == left:
            return languages
    return None


def _grouped(counts: Mapping[str, int], shown: Sequence[str]) -> dict[str, int]:
    named = {name: counts.get(name, 0) for name in shown}
    if len(counts) > len(named):
        named[OTHERS] = sum(counts.values()) - sum(named.values())
    return named
