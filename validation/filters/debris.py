"""What tokenisers, chat templates and broken escaping leave behind in a text."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from validation.filters.contract import AtMost, Pair
from validation.filters.texts import SPAN

_DEBRIS = re.compile(
    r"""
      <unk> | ⁇ | ▁ | [ĠĊ](?=[^\W\d_]|\Z) | \ufffd | <0x[0-9A-Fa-f]{2}> | <2[a-z]{2,3}> | </?s> | <pad>   # tokenisers
    | <extra_id_\d++> | \[(?:UNK|PAD|MASK|CLS|SEP)\]
    | @@(?=\s|\Z) | <\|[^|<>\n]{1,40}+\|>? | \|> | \[/?INST\] | <</?SYS>> | <(?:start|end)_of_turn>              # chats
    | </?[A-Za-z][\w-]{0,20}+(?![\w:>=/.-]|\s*+[>/=]|\s++[\w:.-]++=) | </?(?=\s|\Z)(?<=</)               # half tags
    | &\s*+(?:amp|lt|gt|quot|apos|nbsp|\#\d{1,6}+)\b\s*+;?                                               # entities
    | \\u[0-9a-fA-F]{4} | [\x00-\x08\x0b\x0c\x0e-\x1f\x7f] | [\ue000-\uf8ff] | Ã[\x80-\xbf] | â€
    """,
    re.VERBOSE,
)
_CHATTER = re.compile(
    r"""\A\W{0,3}(?:
      (?:translation|translated\ text|traduzione|traduction|traducci[oó]n|tradução|übersetzung|itzulpena|перевод
        |italiano?|basque|euskara|french|français|german|deutsch|spanish|español|russian)\W{0,4}?:
    | (?:sure|certainly|of\ course)[.,:!] | here\ (?:is|are)\ the\ | here['’]s\ the\ | ecco\ la\ traduzione
    | voici\ la\ traduction | aquí\ (?:está|tienes)\ la\ traducción | hier\ ist\ die\ übersetzung
    | hona\ hemen\ itzulpena | вот\ перевод) | ^\W{0,3}(?:note|nota|remarque|anmerkung|oharra|примечание)\W{0,3}:""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_BRACKETS = ("()", "[]", "{}", "«»")


@dataclass(frozen=True)
class Debris(AtMost):
    """Remains of machinery: "▁", "<unk>", "<0x0A>", "<2it>", "⁇", "<|im_end|>", "</", "&amp ;", "Translation:".

    Figure: pieces of this kind that the target has more of than the source, and kinds of brackets that are balanced
    in the source and not in the target.
    """

    name: ClassVar[str] = "debris_v1"

    def measure(self, pair: Pair) -> float | None:
        if not pair.target.strip():
            return None
        before, after = (Counter(_DEBRIS.findall(text)) for text in (pair.source, pair.target))
        chatter = bool(_CHATTER.search(pair.target)) and not _CHATTER.search(pair.source)
        return float((after - before).total() + chatter + _unbalanced(pair.source, pair.target))


def _unbalanced(source: str, target: str) -> int:
    """Kinds of brackets of which the source has as many opened as closed, and the target has not."""
    texts = [SPAN.sub(" ", text) for text in (source, target)]
    before, after = ([text.count(kind[0]) - text.count(kind[1]) for kind in _BRACKETS] for text in texts)
    return sum(was == 0 and now != 0 for was, now in zip(before, after, strict=True))
