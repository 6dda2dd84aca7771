"""The prompt records of a page, as in MultiExpArt's appendix K: one for each section, template and direction.

A direction names the language of the instruction and the language of the text that answers it, "En" being the
source language and "L" the page's: `En-En`, `En-L`, `L-En`, `L-L` (section 5). The paper makes its Full task of the
first two and its Alignment tasks of all four (table 7).

Beside the paper's fields a record says where its text and its picture come from and under what licence.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args

import pyarrow as pa

from builders.engine import Row
from builders.engine.fingerprint import row_id
from builders.transforms.artworks.prompts import prompts

Direction = Literal["En-En", "En-L", "L-En", "L-L"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
TEMPLATES = 4
TEXT_LICENCE = "CC BY-SA 4.0"
TEXT_LICENCE_URL = "https://creativecommons.org/licenses/by-sa/4.0/"
TEXT_ID_DIGITS = 13

RECORDS = pa.schema(
    [
        ("id", pa.string()),
        ("text_id", pa.int64()),
        ("title", pa.string()),
        ("en_title", pa.string()),
        ("lang", pa.string()),
        ("source_lang", pa.string()),
        ("target_lang", pa.string()),
        ("image_url", pa.string()),
        ("en_image_url", pa.string()),
        ("template", pa.string()),
        ("prompt", pa.string()),
        ("gold", pa.string()),
        ("gold_entity", pa.list_(pa.string())),
        ("entity_targets", pa.list_(pa.string())),
        ("artwork", pa.string()),
        ("level", pa.int8()),
        ("section_index", pa.int32()),
        ("path", pa.list_(pa.string())),
        ("page_id", pa.int64()),
        ("revision", pa.int64()),
        ("page_url", pa.string()),
        ("text_licence", pa.string()),
        ("text_licence_url", pa.string()),
        ("image_page", pa.string()),
        ("image_author", pa.string()),
        ("image_licence", pa.string()),
        ("image_licence_url", pa.string()),
    ]
)


def records(
    page: Row,
    source: Row | None,
    config: str,
    counters: Counter[str],
    directions: Collection[Direction] = DIRECTIONS,
    source_language: str = "en",
) -> Iterator[Row]:
    """The records of one page, in the order of directions, sections and templates; rows of `RECORDS`.

    `page` is a row of the crawl: `sections` (index, level, path, text, links), title, en_title, language, page_id,
    revision, page_url, artwork, and the picture's image_url, licence, licence_url, author, description_url. `source`
    is the row of the same artwork in the source language, if there is one. A page in the source language gives
    `En-En`, any other the three directions with an L. `config` is the dataset's configuration: it is part of `id`.

    - `lang` is the page's language, also where the text is the source's (`L-En`); `page_id`, `revision` and
      `page_url` are those of the page whose text `gold` is, so that they attribute it. The text's page decides in
      which split a record may be: see `text_page`.
    - The title in `prompt` is in the instruction's language. Headings are as the text's page writes them: nobody
      has translated them, so `En-L` names them in L, and `L-En` in the source language. The lead has no heading and
      is named in the instruction's language.
    - `gold_entity` holds the anchor texts in order, duplicates kept, and `entity_targets` the pages they lead to.
    - `image_url` is the page's own picture and `en_image_url` the source page's (null without one); in the
      alignment sets both show the same work. The image's licence is that of `image_url`.
    - `text_id` is the first 52 bits of a digest of all that `id` is made of but for the configuration: the same
      record has the same number in every configuration and build, and every JSON reader holds it exactly.

    `counters` gets `records/<direction>` and `without_text/<direction>`, the prompts of sections that have none. Raises
    `ValueError` for an instruction's language without templates.
    """
    if page["language"] == source_language:
        source, possible = page, {"En-En"}
    else:
        possible = {"En-L", "L-En", "L-L"}
    for direction in directions:
        if direction not in possible:
            continue
        text = text_page(direction, page, source)
        if text is None:
            continue
        in_source = direction.startswith("En")
        language, asked_of = (source_language, source) if in_source else (page["language"], page)
        title = asked_of["title"] if asked_of else page["en_title"]
        pages = _of_page(page) | _of_text(text) | {"en_image_url": source["image_url"] if source else None}
        for section in text["sections"]:
            if not section["text"].strip():
                counters[f"without_text/{direction}"] += TEMPLATES
                continue
            for template, prompt in prompts(language, section["level"], title, section["path"]):
                counters[f"records/{direction}"] += 1
                asked = {"source_lang": language, "template": template, "prompt": prompt}
                yield _ids(config, page, text, section["index"], template) | pages | _of_section(section) | asked


def text_page(direction: Direction, page: Row, source: Row | None) -> Row | None:
    """The page whose text answers in this direction.

    A record belongs to the split of this page: the text of a training page must not be the answer to a test prompt.
    """
    return source if direction == "L-En" else page


def _ids(config: str, page: Row, text: Row, section: int, template: str) -> Row:
    made_of = {
        "page": [page["language"], page["page_id"], page["revision"]],
        "text": [text["language"], text["page_id"], text["revision"]],
        "section": section,
        "template": template,
    }
    number = int(row_id("multiexpart", made_of)[:TEXT_ID_DIGITS], 16)
    return {"id": row_id(f"multiexpart/{config}", made_of), "text_id": number}


def _of_page(page: Row) -> Row:
    return {
        "title": page["title"],
        "en_title": page["en_title"],
        "lang": page["language"],
        "image_url": page["image_url"],
        "artwork": page["artwork"],
        "image_page": page["description_url"],
        "image_author": page["author"],
        "image_licence": page["licence"],
        "image_licence_url": page["licence_url"],
    }


def _of_text(text: Row) -> Row:
    return {
        "target_lang": text["language"],
        "page_id": text["page_id"],
        "revision": text["revision"],
        "page_url": text["page_url"],
        "text_licence": TEXT_LICENCE,
        "text_licence_url": TEXT_LICENCE_URL,
    }


def _of_section(section: Mapping[str, Any]) -> Row:
    return {
        "gold": section["text"],
        "gold_entity": [link["text"] for link in section["links"]],
        "entity_targets": [link["target"] for link in section["links"]],
        "level": section["level"],
        "section_index": section["index"],
        "path": list(section["path"]),
    }
