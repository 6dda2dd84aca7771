"""Good translations of our own: the pairs from English that no filter should refuse.

`pairs/<language>.txt` has a line a pair, `kind<TAB>source<TAB>target`, where `\\n` stands for a line break and a
line that begins with # is a comment. The sources that all files share make one translation a wrong one elsewhere.
Every third pair is held out: no test names it in a message, lest thresholds be fitted to it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from validation.filters import Pair

FOLDER = Path(__file__).parent / "pairs"
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))
KINDS = ("answer", "caption", "description", "instruction", "options", "question")


@dataclass(frozen=True)
class Good:
    """A source in English and its translation into `language`; `held_out` from the choice of thresholds."""

    kind: str
    source: str
    target: str
    language: str
    held_out: bool

    def pair(self, target: str | None = None) -> Pair:
        """What a filter sees, with the translation or with `target` in its place."""
        return Pair("text", self.source, self.target if target is None else target, "en", self.language, kind=self.kind)


@cache
def good(language: str | None = None) -> tuple[Good, ...]:
    """The pairs of one language, or of all. Raises `ValueError` for a line that is not kind, source and target."""
    if language is None:
        return tuple(one for each in LANGUAGES for one in good(each))
    path = FOLDER / f"{language}.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    found = []
    for place, (number, line) in enumerate(numbered):
        kind, *texts = (part.replace("\\n", "\n") for part in line.split("\t"))
        if kind not in KINDS or len(texts) != 2 or not all(texts):
            raise ValueError(f"{path}:{number}: expected kind, source and target with tabs between, kind in {KINDS}")
        found.append(Good(kind, texts[0], texts[1], language, held_out=place % 3 == 2))
    return tuple(found)
