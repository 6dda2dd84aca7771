"""Conceptual Captions (CC3M): a caption and the URL of its image (Sharma et al., 2018).

Upstream gives tables without a header: a caption and a URL, and in one of them also a classifier's labels with their
ids and confidences, which are left out. The Hub's copy calls the columns `image_url` and `caption`. Captions were
tokenised, and are put together again before anything translates them: "person 's hat , on a table ." is "person's hat,
on a table.".
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from builders.engine import Row
from builders.sources.forms.urls import image_at_url
from builders.sources.forms.values import text
from builders.sources.items import Form, Item
from builders.transforms.fields import field

_NUMBER = r"(?:\d++|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_JOINED = (
    re.compile(r"(?<=\w) (?=(?:'(?:s|re|ve|ll|d|m)|n't)(?!\w))", re.IGNORECASE),  # it 's, do n't
    re.compile(r"(?<=\d) (?=: \d|, \d{3}(?!\d))|(?<=\d :) (?=\d)|(?<=\d ,) (?=\d{3}(?!\d))"),  # 10 : 30, 2 , 000
    re.compile(r"(?<=\w) (?=/ \w)|(?<=\w /) (?=\w)"),  # and / or
    re.compile(r"(?<=\S) (?=[,.;:!?%)\]}…]++(?:\s|\Z))"),  # a table .
    re.compile(r"(?<![^\s(\[{][(\[{])(?<=[(\[{]) (?=\S)"),  # ( left )
    re.compile(r"(?<=[$£€]) (?=\d)|(?<=(?<!\S)#) (?=\d)"),  # $ 5, # 1
)
_COMPOUND = re.compile(
    rf"""\b(?: {_NUMBER}\ -\ (?:year|month|week|day)s?\ -\ old | t\ -\ shirts? | x\ -\ rays? | e\ -\ mails?
           | close\ -\ ups? | black\ -\ and\ -\ white | state\ -\ of\ -\ the\ -\ art )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED = re.compile(r'(?<!\S)" ([^"]*?\S) "(?!\S)')
_POSSESSIVE = re.compile(r"(?<=\ws) (?=' \w)")


def detokenise(caption: str) -> str:
    """A tokenised caption as people write it; a caption that was never tokenised stays as it is, but for its blanks.

    Nothing is taken away but blanks, and `` and '' become ". A dash between blanks stays, because "t - shirt" and
    "city - a tent" look alike, but for the few compounds that are common in captions.
    """
    made = " ".join(caption.split()).replace("``", '"').replace("''", '"')
    made = _QUOTED.sub(r'"\1"', made)
    if made.split().count("'") == 1:
        made = _POSSESSIVE.sub("", made)
    for blank in _JOINED:
        made = blank.sub("", made)
    return _COMPOUND.sub(lambda match: match[0].replace(" ", ""), made)


def read(raw: Mapping[str, Any], language: str, counters: Counter[str]) -> Item:
    """One caption. Raises `RowError`: MissingField, WrongType, BadURL."""
    caption = text(raw, "caption")
    source = detokenise(caption)
    counters["detokenised"] += source != caption
    return Item([field("caption", "caption", source)], {}, image_at_url(raw, "url", "image_url"))


def compose(told: Mapping[str, str], kept: Mapping[str, Any]) -> Row:
    return {"caption": told["caption"].strip()}


def recognises(raw: Mapping[str, Any]) -> bool:
    return "caption" in raw and bool({"url", "image_url"} & raw.keys()) and "transcripts" not in raw


FORM = Form(
    name="cc3m",
    about="a caption and the URL of its image (Conceptual Captions)",
    columns=pa.schema([("caption", pa.string())]),
    texts=("caption",),
    read=read,
    compose=compose,
    recognises=recognises,
)
