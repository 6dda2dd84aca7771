"""What people decided, row by row: the file that the next run of a build applies.

A row that most of its judges rejected is dropped; where somebody wrote what a field should say, the field is replaced.
What an adjudicator says decides. Until one has, a row that is open loses or keeps its place as its majority says, and
no text of it is replaced. A later round overrules an earlier one. People may edit the file, so it is read as strictly
as anything from outside.
"""

import hashlib
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from upath import UPath

from validation.annotation.labels import Given, Majority, decisive, read_judgements, said_of_rows, votes
from validation.annotation.problem import Problem
from validation.annotation.reading import parse_json, shown
from validation.annotation.rounds import PlannedRow, Round, rounds, write_json

FORMAT = "vlm-verdicts/1"
PLACE = "validation/verdicts.json"
MOST_TOLD = 10
_AGAIN = "mend it, or have it written anew: `python -m validation agree BUILD --apply`"
_FIELDS = {"round", "verdict", "votes", "adjudicated", "reasons", "texts"}
_LABELS = ("accept", "reject", "unsure")
_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # classes of Unicode Annex 9


@dataclass(frozen=True)
class Correction:
    """A field's source text, its translation when it was judged, and the one it shall have.

    `at`: when a person wrote it, ISO 8601 in UTC; "" if nobody knows.
    """

    source: str
    was: str
    text: str
    at: str = ""

    @property
    def made(self) -> int:
        """`at` in microseconds since 1970, not later than now; 0 if nobody knows."""
        return min(_time(self.at) or 0, time.time_ns() // 1000)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a row; `texts` are the corrections by field, of a row that is corrected."""

    round: str
    verdict: Literal["reject", "correct"]
    votes: Mapping[str, int]
    adjudicated: bool
    reasons: tuple[str, ...]
    texts: Mapping[str, Correction]


@dataclass(frozen=True)
class Verdicts:
    """The verdicts by row id, the rounds that they come from, and the rows that are open for adjudication."""

    rounds: tuple[str, ...]
    open: tuple[str, ...]
    rows: Mapping[str, Verdict]
    sha256: str = field(default="", compare=False)

    def count(self, verdict: Literal["reject", "correct"]) -> int:
        return sum(each.verdict == verdict for each in self.rows.values())


@dataclass(frozen=True)
class Judged:
    """A row of a round with all that was said of it and what was decided."""

    planned: PlannedRow
    said: tuple[Given, ...]
    majority: Majority

    @property
    def corrections(self) -> dict[str, dict[str, str]]:
        """By field, the texts that count, each with when somebody first wrote it.

        They are the adjudicator's; without one, of a row that is rejected, those of who rejected it, else everybody's.
        """
        if decided := decisive(self.said):
            return self._written([decided])
        if self.majority.label == "reject":
            return self._written([each for each in self.said if each.category == "reject"])
        return self._written(self.said)

    def _written(self, said: Sequence[Given]) -> dict[str, dict[str, str]]:
        shown = {text.name: _clean(text.target) for text in self.planned.texts}
        found: dict[str, dict[str, str]] = {}
        for each in sorted(said, key=lambda each: each.judgement.at):
            for name, written in (each.judgement.corrections or {}).items():
                text = _clean(written)
                if not _is_visible(text) or name not in shown or _folded(text) == _folded(shown[name]):
                    continue
                if not any(_folded(text) == _folded(other) for other in found.get(name, {})):
                    found.setdefault(name, {})[text] = each.judgement.at
        return found

    @property
    def open(self) -> bool:
        """Whether somebody has to adjudicate it: its labels tie, or it is not clear which corrections are meant.

        Those are corrections that differ, that somebody wrote of a row which others rejected, or of a row on which
        most, or its adjudicator, were unsure.
        """
        if self.majority.open or (self.majority.label == "unsure" and self.corrections):
            return True
        if self.majority.adjudicated or self.majority.label == "unsure":
            return False
        counted = self.corrections
        return any(len(counted.get(name, ())) != 1 for name in self._written(self.said))


def judged_rows(round: Round) -> list[Judged]:
    """The rows of a round that somebody judged, in the plan's order; gold items are none. Raises `Problem`."""
    plan = round.plan()
    judgements = read_judgements(round, plan)
    said = said_of_rows(plan, judgements)
    decided = votes(plan, judgements)
    return [Judged(row, tuple(said[row.row]), decided[row.row]) for row in plan.rows if row.row in decided]


def write_verdicts(out: Path) -> Verdicts:
    """Decide from all rounds of a build, the oldest first, and write OUT/validation/verdicts.json. Raises `Problem`."""
    verdicts: dict[str, Verdict] = {}
    still_open: set[str] = set()
    names = []
    for each in rounds(out):
        judged = judged_rows(each) if each.plan().task == "accept" else ()
        if not judged:
            continue
        names.append(each.folder.name)
        for row in judged:
            name = row.planned.row
            still_open = still_open | {name} if row.open else still_open - {name}
            if row.majority.label in ("accept", "reject"):
                verdict = _verdict(each.folder.name, row, verdicts.pop(name, None))
                verdicts |= {name: verdict} if verdict else {}
    value = {
        "format": FORMAT,
        "rounds": names,
        "open": sorted(still_open),
        "rows": {name: asdict(verdicts[name]) for name in sorted(verdicts)},
    }
    write_json(out / PLACE, value)
    return read_verdicts(out / PLACE)


def _verdict(round: str, row: Judged, before: Verdict | None) -> Verdict | None:
    """What is to be done with a row that was accepted or rejected; None: nothing.

    Where its judges saw what a round `before` had corrected, that stands as long as they wrote nothing else.
    """
    kept = {
        text.name: before.texts[text.name]
        for text in row.planned.texts
        if before and text.name in before.texts and before.texts[text.name].text == text.target
    }
    new: dict[str, Correction] = {}
    for text in row.planned.texts:
        written = list(row.corrections.get(text.name, {}).items())
        if len(written) == 1 and not row.open:
            was = kept[text.name].was if text.name in kept else text.target
            new[text.name] = Correction(text.source, was, *written[0])
    rejected = row.majority.label == "reject" and not new
    if not rejected and not kept | new:
        return None
    reasons = {reason for each in row.said for reason in each.judgement.reasons}
    return Verdict(
        round=round,
        verdict="reject" if rejected else "correct",
        votes={label: row.majority.counts.get(label, 0) for label in _LABELS},
        adjudicated=row.majority.adjudicated,
        reasons=tuple(sorted(reasons)),
        texts={} if rejected else kept | new,
    )


def read_verdicts(path: Path | UPath) -> Verdicts:
    """The verdicts in a file, every value of it checked. Raises `Problem` naming file, row and field."""
    try:
        data = path.read_bytes()
        value = parse_json(data.decode(), path.name)
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
    except (OSError, ValueError, Problem) as error:
        raise Problem(f"{path}: no verdicts: {error}; {_AGAIN}") from error
    problems = list(_problems(value))
    if problems:
        more = [f"and {len(problems) - MOST_TOLD:,} more"] if len(problems) > MOST_TOLD else []
        raise Problem(f"{path}: {'; '.join(problems[:MOST_TOLD] + more)}; {_AGAIN}")
    rows = {
        name: Verdict(
            row["round"],
            row["verdict"],
            row["votes"],
            row["adjudicated"],
            tuple(row["reasons"]),
            {text: Correction(**said) for text, said in row["texts"].items()},
        )
        for name, row in value["rows"].items()
    }
    return Verdicts(tuple(value["rounds"]), tuple(value["open"]), rows, hashlib.sha256(data).hexdigest())


def _problems(value: Mapping[str, Any]) -> Iterator[str]:
    """What is not as `write_verdicts` writes it."""
    for name in ("rounds", "open"):
        if not _is_strings(value.get(name)):
            yield f"{name}: a list of strings is expected"
    if not isinstance(value.get("rows"), dict):
        yield "rows: an object is expected, with the verdict of every row"
        return
    for row, verdict in value["rows"].items():
        yield from (f"row {shown(row)}: {problem}" for problem in _problems_of_row(verdict))


def _problems_of_row(verdict: Any) -> Iterator[str]:
    if not isinstance(verdict, dict) or verdict.keys() != _FIELDS:
        yield f"an object is expected with {', '.join(sorted(_FIELDS))}"
        return
    if not isinstance(verdict["round"], str):
        yield "round: a string is expected"
    if verdict["verdict"] not in ("reject", "correct"):
        yield f"verdict: {shown(verdict['verdict'])}; 'reject' or 'correct' is expected"
    counts = verdict["votes"]
    if not isinstance(counts, dict) or set(counts) != set(_LABELS) or not all(map(_is_count, counts.values())):
        yield f"votes: a number from 0 on is expected for each of {', '.join(_LABELS)}"
    if not isinstance(verdict["adjudicated"], bool):
        yield "adjudicated: true or false is expected"
    if not _is_strings(verdict["reasons"]):
        yield "reasons: a list of strings is expected"
    texts = verdict["texts"]
    if not isinstance(texts, dict) or bool(texts) != (verdict["verdict"] == "correct"):
        yield "texts: the fields of a row that is corrected are expected, and none of a row that is rejected"
        return
    for name, said in texts.items():
        yield from (f"field {shown(name)}: {problem}" for problem in _problems_of_text(said))


def _problems_of_text(said: Any) -> Iterator[str]:
    names = Correction.__dataclass_fields__
    if not isinstance(said, dict) or said.keys() != names.keys() or not all(isinstance(s, str) for s in said.values()):
        yield f"strings are expected: {', '.join(names)}"
    elif not _is_visible(said["text"]):
        yield "text: it is empty, or nothing of it can be seen"
    elif _time(said["at"]) is None:
        yield f"at: {shown(said['at'])}; a time like 2026-03-01T10:15:30Z is expected, or an empty string"
    elif odd := next((char for char in said["text"] if _is_odd(char)), ""):
        yield f"text: the character U+{ord(odd):04X} cannot stand in a text"


def _clean(text: str) -> str:
    """A text as somebody typed it, without the blanks around it and the control characters that came along."""
    return "".join(char for char in text.replace("\r\n", "\n").replace("\r", "\n") if not _is_odd(char)).strip()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LNPS" for char in text)


def _is_odd(char: str) -> bool:
    """Whether it is a control character, or half of one, or makes text stand in another order than it is written in."""
    odd = unicodedata.category(char) in ("Cs", "Cc") or unicodedata.bidirectional(char) in _REORDERING
    return odd and char not in "\n\t"


def _time(text: str) -> int | None:
    """Microseconds since 1970; 0 for an empty text, None for what is no time in UTC."""
    try:
        when = datetime.fromisoformat(text) if text else datetime.fromtimestamp(0, UTC)
    except ValueError:
        return None
    if when.utcoffset() != timedelta(0):
        return None
    return max(0, (when - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1))


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
