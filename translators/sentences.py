"""A long text as sentences, and back: what a model trained on sentences is given, one at a time.

MADLAD-400 and Marian drop or invent sentences in long input. `sentencex` (https://github.com/wikimedia/sentencex)
finds the sentences: rules for many languages, no model to download, and its segments joined are the source. It
falls back from a language without rules to a related one or to English. A line break always ends a sentence here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

import sentencex

from translators.placeholders import ENDS_BEFORE_BLANK, Pieces

# sentencex 1.0.32 panics at a blank of more than one byte before an initial, and takes no lone surrogate. It
# therefore reads a text of the same length that has neither.
_SAFE: dict[int, str] = {ord(char): " " for char in map(chr, range(0x80, 0x3001)) if char.isspace()}
_SAFE |= dict.fromkeys(range(0xD800, 0xE000), "x")

_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|[-_])", re.IGNORECASE)
_INITIAL = re.compile(r"\W*[^\W\d_]\.\s*")
_CLAUSE = re.compile(r"[,;:!?…)\]»”—–،؛؟](?=\s)|[，、；：。！？」』）]")
_BLANK = re.compile(r"\s+")
# Thai to Tibetan, Burmese, Khmer, Han and kana: scripts that put no blanks between words.
_DENSE = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_BETWEEN = re.compile(rf"(?<=[{_DENSE}])(?=\w)|(?<=\w)(?=[{_DENSE}])")
NAMED_CHARACTERS = 60


def split(text: str, language: str) -> list[tuple[str, str]]:
    """The sentences of `text`, each with the separator after it; joined they are `text`, to the byte.

    `language` is the text's own (ISO 639). A sentence begins and ends with a non-blank and holds a letter. What
    holds none ("1. ", "…", a line break) belongs to the separator before it; a separator before the first
    sentence is the pair of an empty sentence, which is always the first. A text whose segments would not give it
    back, or whose `language` is no code, is one sentence.
    """
    return _gathered(_segments(text, language))


def split_pieces(pieces: Pieces, language: str) -> Pieces:
    """`pieces` with every translatable part cut into sentences; what is between them is untranslatable.

    Two sentences of a language without blanks are neighbours with nothing between them.
    """
    parts: list[str] = []
    translatable: list[bool] = []

    def add(part: str, wanted: bool) -> None:
        if part and not wanted and translatable and not translatable[-1]:
            parts[-1] += part
        elif part:
            parts.append(part)
            translatable.append(wanted)

    for part, wanted in zip(pieces.parts, pieces.translatable, strict=True):
        if not wanted:
            add(part, False)
            continue
        for sentence, separator in split(part, language):
            add(sentence, True)
            add(separator, False)
    return Pieces(tuple(parts), tuple(translatable))


def split_long(text: str, fits: Callable[[str], bool]) -> list[tuple[str, str]]:
    """`text` in pieces that all fit, in the form of `split`: what is too long for a model, of about equal lengths.

    Cuts after clause marks ("," ";" ")"), else at blanks, else between characters of scripts that write no
    blanks. Raises ValueError naming the word that does not fit by itself.
    """
    return _gathered(_fitting(text, fits))


def _segments(text: str, language: str) -> Iterator[str]:
    """Stretches of `text` that each hold at most one sentence, with the blanks around it."""
    code = _LANGUAGE.match(language)
    for line in text.splitlines(keepends=True):
        if code:
            yield from _sentences_of_line(line, code[0].lower())
        else:
            yield line


def _sentences_of_line(line: str, language: str) -> Sequence[str]:
    safe = line if line.isascii() else line.translate(_SAFE)
    found: list[str] = list(sentencex.segment(language, safe))
    if "".join(found) != safe:
        return [line]
    segments: list[str] = []
    end = 0
    for length in map(len, found):
        segment = line[end : end + length]
        if segments and _goes_on(segments[-1], segment):
            segments[-1] += segment
        else:
            segments.append(segment)
        end += length
    return segments


def _goes_on(before: str, after: str) -> bool:
    """Whether `after` goes on with the sentence of `before`, its mark being one that sentencex takes for an end.

    So it does without a blank after a mark that has one ("Dipl.-Ing.", "A?B"; not "你好。再见"), and after a full stop
    of an initial ("M. Dupont") or where a small letter follows a sentence that did not begin with one ("He has
    approx. five", "2010. urtean"; but "a dog runs. it is wet").
    """
    if before.endswith(ENDS_BEFORE_BLANK):
        return True
    if not before.rstrip().endswith("."):
        return False
    first = next(filter(str.isalnum, before), "")
    return bool(_INITIAL.fullmatch(before)) or (after[:1].islower() and not first.islower())


def _gathered(segments: Iterable[str]) -> list[tuple[str, str]]:
    """Segments as pairs of a stripped text and what follows it."""
    pairs: list[tuple[str, str]] = []

    def after(separator: str) -> None:
        text, before = pairs.pop() if pairs else ("", "")
        if text or before or separator:
            pairs.append((text, before + separator))

    for segment in segments:
        core = segment.strip()
        if not any(map(str.isalpha, core)):
            after(segment)
            continue
        start = segment.index(core)
        if start:
            after(segment[:start])
        pairs.append((core, segment[start + len(core) :]))
    return pairs


def _fitting(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """Segments of `text` that fit or hold no letter: halves, as long as they do not."""
    core = text.strip()
    if not any(map(str.isalpha, core)) or fits(core):
        yield text
        return
    start = text.index(core)
    cut = start + _cut(core)
    yield from _fitting(text[:cut], fits)
    yield from _fitting(text[cut:], fits)


def _cut(text: str) -> int:
    """The best place to cut a text in two, near its middle. Raises ValueError when it is one word."""
    middle = len(text) // 2
    for pattern in (_CLAUSE, _BLANK, _BETWEEN):
        ends = (match.end() for match in pattern.finditer(text))
        places = [end for end in ends if end < len(text) and not unicodedata.category(text[end]).startswith("M")]
        if places:
            return min(places, key=lambda place: abs(place - middle))
    raise ValueError(f"a word of {len(text)} characters does not fit: {text[:NAMED_CHARACTERS]!r}")
