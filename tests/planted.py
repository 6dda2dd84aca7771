"""Faults planted in good translations: what models do wrong, done on purpose and always in the same way.

A fault takes a good pair and a source of chance and gives the spoilt target, or None where the pair has nothing for
it to spoil. It knows nothing of the filters: where it strikes, and how hard, is drawn, so that no filter is met at
its best.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.parallel import Good, good
from tests.parts import (
    LABEL,
    PLACEHOLDER,
    WORD,
    hidden,
    lower_words,
    names,
    numbers,
    quotation,
    sentences,
    transliterated,
)  # fmt: skip

Spoil = Callable[[Good, Random], str | None]

# Each of the two that follow in two parts: for all pairs, and for those held out.
_DEBRIS = (
    ("<unk>", "▁", "</s>", "<im", "⁇", "<0x0A>", "<2it>", "&quot ;", "<|im_end|>", "\ufffd", "</", "[INST]", "@@"),
    ("<pad>", "</image>", "<s>", "&amp;", "&#39;", "<|eot_id|>", "[/INST]", "<extra_id_0>", "▁▁", "<0xE2>", "<2eu>"),
)
_CHATTER = (
    ("Translation: {}", "Sure! Here is the translation:\n\n{}", "{}\n\nNote: I kept the original word order."),
    ("Here's the translated text: {}", "Of course. The translation is: {}", "{}\n\n(I translated this literally.)"),
)
_NUMBER_WORDS = {
    "it": "due tre quattro cinque",
    "eu": "bi hiru lau bost",
    "fr": "deux trois quatre cinq",
    "de": "zwei drei vier fünf",
    "es": "dos tres cuatro cinco",
    "ru": "два/две/двое три/трёх четыре/четырёх пять",
}


@dataclass(frozen=True)
class Fault:
    """One way to spoil a translation, and the share of it that must be caught over all languages.

    `why` says why rules cannot be asked for more, where `goal` is below 0.95. `shares` says that the spoilt target
    is also the translation of another source of the same build.
    """

    name: str
    spoil: Spoil
    goal: float = 0.95
    why: str = ""
    shares: bool = False

    def plant(self, one: Good) -> str | None:
        """The spoilt target: the same at every call."""
        return self.spoil(one, Random(f"{self.name} {one.language} {one.source}"))


def wrong_language(one: Good, chance: Random) -> str | None:
    """The translation of the same source in another language, 4 words or more."""
    others = [target for target in _in_other_languages(one) if len(target.split()) >= 4]
    return chance.choice(others) if others else None


def wrong_language_short(one: Good, chance: Random) -> str | None:
    """The same of 1 to 3 words: "zwei Hunde" for "due cani"."""
    others = [target for target in _in_other_languages(one) if len(target.split()) < 4 and lower_words(target)]
    return chance.choice(others) if others else None


def _in_other_languages(one: Good) -> list[str]:
    others = [two.target for two in good() if two.source == one.source and two.language != one.language]
    return [target for target in others if _letters(target) != _letters(one.target)]


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text.casefold()))


def untranslated(one: Good, chance: Random) -> str | None:
    """The source itself, 2 words or more of which are no names."""
    return one.source if lower_words(one.source) >= 2 else None


def partly_untranslated(one: Good, chance: Random) -> str | None:
    """The second half is still English."""
    source, target = one.source.split(" "), one.target.split(" ")
    if min(len(source), len(target)) < 6 or lower_words(" ".join(source[len(source) // 2 :])) < 2:
        return None
    return " ".join(target[: len(target) // 2] + source[len(source) // 2 :])


def dropped_sentence(one: Good, chance: Random) -> str | None:
    """One sentence of several is missing: the first, the last or one between."""
    said = sentences(one.target)
    if len(said) < 2 or len(sentences(one.source)) < 2:
        return None
    del said[chance.randrange(len(said))]
    return " ".join(said)


def truncated(one: Good, chance: Random) -> str | None:
    """A sentence that had an end stops within it."""
    return _cut(one, chance) if one.source.endswith((".", "?", '"')) else None


def truncated_label(one: Good, chance: Random) -> str | None:
    """A caption or an answer without a full stop stops early: nothing marks where it ended."""
    return None if one.source.endswith((".", "?", '"')) else _cut(one, chance)


def _cut(one: Good, chance: Random) -> str | None:
    words = one.target.split(" ")
    if len(words) < 4:
        return None
    left = words[: chance.randint(len(words) * 2 // 5 + 1, len(words) - 1)]
    while len(left) > 1 and left[-1][-1] in '.?!»“"':
        left.pop()
    cut = " ".join(left)
    return None if cut == one.target.rstrip('.?! »“"') else cut


def repeated_tail(one: Good, chance: Random) -> str | None:
    """The last words loop."""
    body = one.target.rstrip(".?! ")
    end = one.target[len(body) :]
    words = body.split(" ")
    if not lower_words(one.target):
        return None
    tail = words[-chance.randint(1, min(4, len(words))) :]
    return " ".join(words + tail * chance.randint(4, 12)) + end * chance.randint(0, 1)


def hallucinated_tail(one: Good, chance: Random) -> str | None:
    """A fluent sentence of the same language follows that the source does not have."""
    more = [two.target for two in good(one.language) if two.kind == "caption" and two.target.endswith(".")]
    sentence = chance.choice([target for target in more if target != one.target and not PLACEHOLDER.search(target)])
    return f"{one.target}{'' if one.target[-1] in '.?!' else '.'} {sentence}"


def hallucinated_whole(one: Good, chance: Random) -> str | None:
    """The fluent translation of something else, of a like length."""
    return _of_another(one, chance)


def shared_target(one: Good, chance: Random) -> str | None:
    """The same, by a translator that says it for both sources."""
    return _of_another(one, chance) if len(one.target.split()) >= 6 else None


def _of_another(one: Good, chance: Random) -> str | None:
    if one.kind == "answer":
        return None
    alike = [
        two.target
        for two in good(one.language)
        if two.kind == one.kind and two != one and 0.8 <= len(two.target) / len(one.target) <= 1.25
    ]
    return chance.choice(alike) if alike else None


def swapped_labels(one: Good, chance: Random) -> str | None:
    """Two options change places with their labels."""
    return _swap(one, chance, labels=True)


def swapped_contents(one: Good, chance: Random) -> str | None:
    """Two options change places under labels that stay: fluent, in order, and the answer letter is wrong."""
    return _swap(one, chance, labels=False)


def _swap(one: Good, chance: Random, *, labels: bool) -> str | None:
    starts = [found.start() for found in LABEL.finditer(one.target)]
    if len(starts) < 2:
        return None
    parts = [one.target[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    split = [re.fullmatch(r"(\(.\)|.\.)(\s*)(.*?)(,?\s*)", part, re.DOTALL) for part in parts]
    options = [list(found.groups()) for found in split if found]
    first, second = sorted(chance.sample(range(len(options)), 2))
    for place in (0, 2) if labels else (2,):
        options[first][place], options[second][place] = options[second][place], options[first][place]
    return one.target[: starts[0]] + "".join(part for option in options for part in option)


def lost_label(one: Good, chance: Random) -> str | None:
    """One option has no label any more."""
    found = list(LABEL.finditer(one.target))
    return _without(one.target, chance.choice(found).span()) if found else None


def lost_number(one: Good, chance: Random) -> str | None:
    """A number in digits is gone."""
    spans = numbers(one.target)
    if not spans or not re.search(r"\d", PLACEHOLDER.sub("", one.source)) or not lower_words(one.target):
        return None
    return _without(one.target, chance.choice(spans))


def changed_number(one: Good, chance: Random) -> str | None:
    """One digit of a number is another."""
    spans = numbers(one.target)
    if not spans:
        return None
    start, end = chance.choice(spans)
    place = chance.choice([place for place in range(start, end) if one.target[place].isdigit()])
    digit = chance.choice([digit for digit in "123456789" if digit != one.target[place]])
    return one.target[:place] + digit + one.target[place + 1 :]


def changed_number_word(one: Good, chance: Random) -> str | None:
    """A number in words is another: "tre cani" for "two dogs"."""
    words = _NUMBER_WORDS[one.language].split()
    found = [
        (match, row)
        for row in words
        for match in re.finditer(rf"\b(?:{row.replace('/', '|')})\b", one.target, re.IGNORECASE)
    ]
    if not found:
        return None
    match, row = chance.choice(found)
    other = chance.choice([word for word in words if word != row]).split("/")[0]
    other = other.capitalize() if match[0][0].isupper() else other
    return one.target[: match.start()] + other + one.target[match.end() :]


def lost_placeholder(one: Good, chance: Random) -> str | None:
    """An <image>, a box, a URL, a {field} or `code` is gone."""
    found = list(PLACEHOLDER.finditer(one.target))
    return _without(one.target, chance.choice(found).span()) if found else None


def changed_placeholder(one: Good, chance: Random) -> str | None:
    """A letter or a digit within a placeholder is another, or the placeholder's marks are gone."""
    found = list(PLACEHOLDER.finditer(one.target))
    if not found:
        return None
    span = chance.choice(found)
    inner = span[0].strip("<>[]{}`")
    place = chance.choice([place for place, sign in enumerate(inner) if sign.isalnum()])
    other = str((int(inner[place]) + 1) % 10) if inner[place].isdigit() else "z" if inner[place] != "z" else "q"
    changed = span[0].replace(inner, inner[:place] + other + inner[place + 1 :])
    unmarked = [inner] if inner != span[0] else []
    return one.target[: span.start()] + chance.choice([changed, *unmarked]) + one.target[span.end() :]


def invented_placeholder(one: Good, chance: Random) -> str | None:
    """A placeholder that the source does not have."""
    box = [round(chance.random(), 2) for _ in range(4)]
    return _inserted(
        one.target, chance.choice(["<image>", str(box), "{name}", "https://example.com/a", "<br>"]), chance
    )


def debris(one: Good, chance: Random) -> str | None:
    """A remnant of a tokeniser, of a chat template or of markup."""
    return _inserted(one.target, chance.choice(_DEBRIS[one.held_out]), chance)


def chatter(one: Good, chance: Random) -> str | None:
    """A chat model talks about its translation."""
    return chance.choice(_CHATTER[one.held_out]).format(one.target)


def empty(one: Good, chance: Random) -> str | None:
    """Nothing, or no more than a mark."""
    return chance.choice(["", " ", "\n", ".", "...", "-", '""'])


def wrong_script(one: Good, chance: Random) -> str | None:
    """The translation in the letters of another script; placeholders stay."""
    kept = PLACEHOLDER.findall(one.target)
    parts = [transliterated(part) for part in PLACEHOLDER.split(one.target)]
    spoilt = "".join(part + span for part, span in zip(parts, [*kept, ""], strict=True))
    return spoilt if lower_words(one.target) else None


def word_in_wrong_script(one: Good, chance: Random) -> str | None:
    """One word in the letters of another script."""
    words = [found for found in WORD.finditer(hidden(one.target)) if len(found[0]) > 3 and found[0].islower()]
    if not words:
        return None
    word = chance.choice(words)
    return one.target[: word.start()] + transliterated(word[0]) + one.target[word.end() :]


def lost_quote_marks(one: Good, chance: Random) -> str | None:
    """What was quoted is said without the marks."""
    found = quotation(one)
    return found and one.target[: found.start()] + found[0][1:-1].strip() + one.target[found.end() :]


def lost_quotation(one: Good, chance: Random) -> str | None:
    """What was quoted is gone, marks and all."""
    found = quotation(one)
    return found and _without(one.target, found.span())


def lost_name(one: Good, chance: Random) -> str | None:
    """A name or an acronym is gone."""
    found = names(one)
    return _without(one.target, chance.choice(found).span()) if found else None


def changed_name(one: Good, chance: Random) -> str | None:
    """A name or an acronym is another."""
    found = names(one)
    if not found:
        return None
    name = chance.choice(found)
    other = chance.choice(["TVR", "BQF"] if name[0].isupper() else ["Svetlana", "Hugo", "Oslo"])
    return one.target[: name.start()] + other + one.target[name.end() :]


def lost_question_mark(one: Good, chance: Random) -> str | None:
    """A question has become a statement, or has lost its end."""
    if not one.target.endswith("?"):
        return None
    return one.target.rstrip("? ").replace("¿", "") + chance.choice(["", "."])


def _without(text: str, span: tuple[int, int]) -> str:
    """The text without a span of it, and without the double blank that this leaves."""
    before, after = text[: span[0]], text[span[1] :]
    return (before.rstrip(" ") + after if before.endswith(" ") and after[:1] in (" ", "") else before + after).strip()


def _inserted(text: str, piece: str, chance: Random) -> str:
    words = text.split(" ")
    words.insert(chance.randint(0, len(words)), piece)
    return " ".join(words)


_MEANING = "rules compare form, not meaning; it takes the optional semantic filter"
_NAMES = "names are translated, declined and left out in good translations too"
FAULTS = (
    Fault("wrong language, 4 words or more", wrong_language),
    Fault("wrong language, up to 3 words", wrong_language_short, 0.55, "too short to tell a language by its letters"),
    Fault("untranslated", untranslated),
    Fault("partly untranslated", partly_untranslated),
    Fault("wrong script", wrong_script),
    Fault("word in the wrong script", word_in_wrong_script),
    Fault("dropped sentence", dropped_sentence),
    Fault("truncated", truncated),
    Fault("truncated, no full stop in the source", truncated_label, 0.65, "nothing marks its end"),
    Fault("repeated tail", repeated_tail),
    Fault("hallucinated tail", hallucinated_tail),
    Fault("hallucinated whole, like length", hallucinated_whole, 0.7, _MEANING),
    Fault("hallucinated whole, shared by two sources", shared_target, shares=True),
    Fault("options out of order", swapped_labels),
    Fault("options' contents swapped", swapped_contents, 0.0, _MEANING),
    Fault("lost label", lost_label),
    Fault("lost number", lost_number),
    Fault("changed number", changed_number),
    Fault("changed number in words", changed_number_word, 0.85, '"twice", "half" and "both" are no numerals'),
    Fault("lost placeholder", lost_placeholder),
    Fault("changed placeholder", changed_placeholder),
    Fault("invented placeholder", invented_placeholder),
    Fault("lost name", lost_name, 0.3, _NAMES),
    Fault("changed name", changed_name, 0.1, _NAMES),
    Fault("lost quotation", lost_quotation),
    Fault("lost quotation marks", lost_quote_marks),
    Fault("lost question mark", lost_question_mark),
    Fault("debris", debris),
    Fault("chatter", chatter),
    Fault("empty", empty),
)
