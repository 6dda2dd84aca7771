"""What must not reach a translation model leaves the text before it and comes back after it.

A sequence-to-sequence model misplaces, corrupts or drops tags whichever way they are fed
(https://machinetranslate.org/tags-and-placeholders), and many tags in a sentence make the rest of the
translation worse. A frozen model cannot be taught better, so it never sees them: a text is cut at every
protected span, the pieces between are translated, and the spans return to their places byte for byte.

Protected are: tags (`<image>`, `<|im_end|>`) and the content of tags that hold coordinates or paths
(`<box>…</box>`, `<img>…</img>`), boxes and lists of boxes, URLs and e-mail addresses, code between
backticks, `{fields}`, bars (`cat||||dog`), line breaks with the blanks around them, option labels, and any
piece without a letter. A number inside a sentence stays in the text, because cutting there breaks the
grammar of both halves; a filter compares the numbers afterwards.

An option label is `(A)`, `[A]`, `A)`, `A.` or `A:`, a letter or a number of one or two digits, with a blank
before and after. What makes it a label is its place:

- at the start of a line or after a protected span, a letter A-H or any number: "B. dog";
- after `: ; , . ? !`, the first of its kind: "Options: A. cat";
- after any word, the successor of the label before it, in the same style: "… A. cat B. dog".

So "A dog", "10.52", "1.4 million", "J. K. Rowling" and "vitamin (C)" hold no label. A text that is one
label and nothing else ("B", "(B)", "B.") is an answer that names an option, and is not translated either.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Every quantifier that could meet itself again is possessive or bounded by a look-behind, so that a hostile
# text costs time in proportion to its length.
_BREAKS = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_NUMBER = r"[-+]?\d++(?:\.\d++)?"
_BOX = rf"\[\s*+{_NUMBER}(?:\s*+,\s*+{_NUMBER})++\s*+\]"
_SPAN = re.compile(
    rf"""
      ```.*?```
    | (?<![`\w]) ` (?![`\s]) [^`{_BREAKS}]++ (?<!\s) ` (?![`\w])           # inline code, not an apostrophe
    | <\|[^|<>\s]++\|>                                                      # <|im_end|>
    | <(?P<holder>bbox|box|code|img|loc|math|point|poly|quad)>[^<>]*+</(?P=holder)>
    | </?[A-Za-z][\w:.-]*+(?:\s++[\w:.-]++=(?:"[^"<>]*+"|'[^'<>]*+'))*+\s*+/?>
    | (?:(?:https?|ftp)://|\bwww\.)(?:\([^\s()<>"'`«»“”]*+\)|[^\s()<>"'`«»“”])+(?<![.,;:!?\]}}。，、！？])
    | (?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++
    | \[(?:\s*+{_BOX}\s*+,)*+\s*+{_BOX}\s*+\]
    | {_BOX}
    | \(\s*+{_NUMBER}(?:\s*+,\s*+{_NUMBER}){{3}}\s*+\)
    | \{{{{1,2}}[\w.:!-]*+\}}{{1,2}}
    | \|++
    | (?<!\s)[^\S{_BREAKS}]*+[{_BREAKS}]\s*+
    | (?P<label>(?<!\w)(?:\((?P<round>[A-Za-z]|\d{{1,2}})\)|\[(?P<square>[A-Za-z]|\d{{1,2}})\]
        |(?P<plain>[A-Za-z]|\d{{1,2}})[.):])(?=\s|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_WHOLE_LABEL = re.compile(r"\s*+[(\[]?[A-H][)\]]?[.:]?\s*+")
_LEADING = re.compile(r"(?:[,;:.!?)\]}•*#>–—-]++\s++)++")
_OPENERS = "([{<«“"
_SEPARATORS = ":;,.?!"
ENDS_BEFORE_BLANK = tuple('.!?…»”")')


@dataclass(frozen=True)
class Pieces:
    """A text, cut: `parts` joined are the source exactly; `translatable` says which ones the model sees.

    A translatable part holds a letter and no protected span, begins and ends with a non-blank, and keeps its
    own punctuation ("Box:", "A dog."). Two untranslatable parts are never neighbours.
    """

    parts: tuple[str, ...]
    translatable: tuple[bool, ...]


@dataclass(frozen=True)
class _Label:
    """An option label read: `style` is what stands around it and its alphabet, `ordinal` counts from 1."""

    style: str
    ordinal: int

    @property
    def may_open_a_line(self) -> bool:
        return self.style.endswith("0") or self.ordinal <= 8


def split(text: str) -> Pieces:
    """Cut `text` at its protected spans. Lossless for any text; an empty one has no parts."""
    if _WHOLE_LABEL.fullmatch(text):
        return Pieces((text,), (False,))
    parts: list[str] = []
    translatable: list[bool] = []
    kept = 0
    for start, end in _cores(text):
        if kept < start:
            parts.append(text[kept:start])
            translatable.append(False)
        parts.append(text[start:end])
        translatable.append(True)
        kept = end
    if kept < len(text):
        parts.append(text[kept:])
        translatable.append(False)
    return Pieces(tuple(parts), tuple(translatable))


def whole(text: str) -> Pieces:
    """Cut `text` at its first and its last translatable part, and leave what lies between in one piece.

    For models that read a text in its context and are told to keep what is not language as it is.
    """
    cut = split(text)
    if not any(cut.translatable):
        return Pieces((text,), (False,)) if text else cut
    first = cut.translatable.index(True)
    last = len(cut.parts) - cut.translatable[::-1].index(True)
    parts = ("".join(cut.parts[:first]), "".join(cut.parts[first:last]), "".join(cut.parts[last:]))
    kept = [(part, wanted) for part, wanted in zip(parts, (False, True, False), strict=True) if part]
    return Pieces(tuple(part for part, _ in kept), tuple(wanted for _, wanted in kept))


def texts(pieces: Pieces) -> list[str]:
    """The parts to translate, in order; none begins or ends with a blank."""
    return [part for part, wanted in zip(pieces.parts, pieces.translatable, strict=True) if wanted]


def join(pieces: Pieces, translations: Sequence[str]) -> str:
    """Put the translations in the places of `texts(pieces)`, stripped of the blanks around them.

    Sentences that follow one another without a blank, as in Chinese, get one where the target's marks ask for it.

    Raises ValueError when there are more or fewer translations than translatable parts.
    """
    expected = sum(pieces.translatable)
    if len(translations) != expected:
        raise ValueError(
            f"{len(translations)} translations for {expected} translatable parts of "
            f"{''.join(pieces.parts)[:80]!r}: give one for each of texts(pieces), in their order"
        )
    supply = iter(translations)
    joined, after_translation = "", False
    for part, wanted in zip(pieces.parts, pieces.translatable, strict=True):
        text = next(supply).strip() if wanted else part
        if wanted and after_translation and joined.endswith(ENDS_BEFORE_BLANK):
            joined += " "
        joined, after_translation = joined + text, wanted
    return joined


def _cores(text: str) -> Iterator[tuple[int, int]]:
    """The [start, end) of every translatable part."""
    floor = 0
    for start, end in [*_spans(text), (len(text), len(text))]:
        core = _core(text, floor, start)
        if core is not None:
            yield core
        floor = end


def _core(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A stretch between spans without its blanks, leading punctuation and open brackets; None if letterless.

    ", a dog (" between two tags is translated as "a dog": alone, the rest would only mislead the model.
    """
    while start < end and text[start].isspace():
        start += 1
    if leading := _LEADING.match(text, start, end):
        start = leading.end()
    while start < end and (text[end - 1].isspace() or text[end - 1] in _OPENERS):
        end -= 1
    return (start, end) if any(map(str.isalpha, text[start:end])) else None


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """The [start, end) of every protected span, in order."""
    floor = 0
    previous: _Label | None = None
    for match in _SPAN.finditer(text):
        if match["label"]:
            label = _read_label(match)
            if not _is_label(text, floor, match.start(), label, previous):
                continue
            previous = label
        floor = match.end()
        yield match.span()


def _read_label(match: re.Match[str]) -> _Label:
    content = match["round"] or match["square"] or match["plain"]
    around = match["label"].replace(content, "", 1)
    if content.isalpha():
        alphabet = "A" if content.isupper() else "a"
        return _Label(around + alphabet, ord(content) - ord(alphabet) + 1)
    return _Label(around + "0", int(content))


def _is_label(text: str, floor: int, start: int, label: _Label, previous: _Label | None) -> bool:
    """Whether a label's form at `start` is one by its place, `floor` being where the last span ended."""
    if start > floor and not text[start - 1].isspace():
        return False
    before = start
    while before > floor and text[before - 1].isspace():
        before -= 1
    if before == floor:
        return label.may_open_a_line
    if previous is not None and label == _Label(previous.style, previous.ordinal + 1):
        return True
    return text[before - 1] in _SEPARATORS and label.ordinal == 1
