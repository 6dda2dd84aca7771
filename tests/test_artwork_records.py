"""Records: every section is asked in every direction, by the right words, and says where its text is from."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.engine import Row
from builders.transforms.artworks.records import DIRECTIONS, RECORDS, TEXT_LICENCE, Direction, records, text_page


def section(index: int, path: tuple[str, ...], text: str, *links: tuple[str, str]) -> Row:
    found = [{"text": shown, "target": target} for shown, target in links]
    return {"index": index, "level": len(path), "path": list(path), "text": text, "links": found}


def page(language: str, title: str, page_id: int, sections: list[Row]) -> Row:
    return {
        "language": language,
        "title": title,
        "en_title": "Mona Lisa",
        "page_id": page_id,
        "revision": page_id * 10,
        "page_url": f"https://{language}.wikipedia.org/w/index.php?oldid={page_id * 10}",
        "artwork": "Q12418",
        "sections": sections,
        "image_url": f"https://upload.example/{language}.jpg",
        "description_url": "https://commons.example/File:Mona.jpg",
        "author": "Leonardo da Vinci",
        "licence": "Public domain",
        "licence_url": "",
    }


ENGLISH = page(
    "en",
    "Mona Lisa",
    1,
    [
        section(0, (), "It is a portrait.", ("Louvre", "Louvre"), ("the museum", "Louvre"), ("Louvre", "Louvre")),
        section(1, ("History",), " \n"),
        section(2, ("History", "Theft"), "It was stolen."),
    ],
)
ITALIAN = page("it", "Gioconda", 2, [section(0, (), "È un ritratto."), section(3, ("A", "B", "C"), "Testo.")])


def made(page: Row, source: Row | None = ENGLISH, config: str = "full", **options: Any) -> list[Row]:
    return list(records(page, source, config, Counter(), **options))


def test_a_record_is_that_of_the_paper() -> None:
    first, *_ = made(ENGLISH)
    assert {name: first[name] for name in RECORDS.names[2:13]} == {
        "title": "Mona Lisa",
        "en_title": "Mona Lisa",
        "lang": "en",
        "source_lang": "en",
        "target_lang": "en",
        "image_url": "https://upload.example/en.jpg",
        "en_image_url": "https://upload.example/en.jpg",
        "template": "en_template1_section",
        "prompt": "Focus on Mona Lisa and explain the Abstract.",
        "gold": "It is a portrait.",
        "gold_entity": ["Louvre", "the museum", "Louvre"],
    }
    assert first["entity_targets"] == ["Louvre"] * 3
    assert first["text_licence"] == TEXT_LICENCE


@pytest.mark.parametrize(
    ("direction", "source", "target", "prompt", "gold"),
    [
        ("En-L", "en", "it", "Focus on Mona Lisa and explain the Abstract.", "È un ritratto."),
        ("L-En", "it", "en", "Concentrati su Gioconda ed esplora la Introduzione.", "It is a portrait."),
        ("L-L", "it", "it", "Concentrati su Gioconda ed esplora la Introduzione.", "È un ritratto."),
    ],
)
def test_each_direction_asks_in_one_language_and_answers_in_the_other(
    direction: Direction, source: str, target: str, prompt: str, gold: str
) -> None:
    first, *_ = made(ITALIAN, directions=[direction])
    assert (first["lang"], first["source_lang"], first["target_lang"]) == ("it", source, target)
    assert (first["prompt"], first["gold"]) == (prompt, gold)
    answering = text_page(direction, ITALIAN, ENGLISH)
    assert answering is not None
    assert (first["page_url"], first["revision"]) == (answering["page_url"], answering["revision"])
    assert (first["title"], first["image_url"], first["en_image_url"]) == (
        "Gioconda",
        "https://upload.example/it.jpg",
        "https://upload.example/en.jpg",
    )


def test_headings_stay_as_the_page_of_the_text_writes_them() -> None:
    prompts = {row["template"]: row["prompt"] for row in made(ITALIAN)}
    assert prompts["en_template1_subsubsection"] == "Focusing on the A of Mona Lisa, explain the C about the B."
    assert prompts["it_template4_subsection"] == "Descrivi le caratteristiche della Theft nella History di Gioconda."


def test_what_is_not_made_is_counted() -> None:
    counters: Counter[str] = Counter()
    list(records(ENGLISH, None, "full", counters))
    list(records(ITALIAN, ENGLISH, "full", counters))
    assert counters == {
        "records/En-En": 8,
        "without_text/En-En": 4,
        "records/En-L": 8,
        "records/L-En": 8,
        "without_text/L-En": 4,
        "records/L-L": 8,
    }


def test_without_a_page_or_templates_in_the_language_of_a_direction_nothing_is_asked() -> None:
    counters: Counter[str] = Counter()
    basque = ITALIAN | {"language": "eu"}
    list(records(basque, None, "full", counters, ["En-L", "L-En"]))
    assert counters == {"records/En-L": 8}
    with pytest.raises(ValueError, match="no templates for 'eu'"):
        list(records(basque, None, "full", counters, ["L-L"]))


def test_another_source_language_takes_the_place_of_english() -> None:
    english = made(ENGLISH, ITALIAN, source_language="it")
    assert {row["source_lang"] + row["target_lang"] for row in english} == {"iten", "enit", "enen"}
    assert english[0]["prompt"] == "Concentrati su Gioconda ed esplora la Introduzione."
    assert {row["source_lang"] + row["target_lang"] for row in made(ITALIAN, None, source_language="it")} == {"itit"}


def test_ids_are_one_a_record_and_text_ids_the_same_in_every_configuration() -> None:
    full, aligned = (
        [*made(ENGLISH, config=config), *made(ITALIAN, config=config)] for config in ("full", "alignment-2")
    )
    assert len({row["id"] for row in full + aligned}) == len(full + aligned) == 64
    assert [row["text_id"] for row in full] == [row["text_id"] for row in aligned]
    assert len({row["text_id"] for row in full}) == len(full)
    assert all(0 <= row["text_id"] < 2**53 for row in full)
    changed = made(ITALIAN | {"revision": 21})
    assert not {row["id"] for row in changed} & {row["id"] for row in full}


def test_rows_fit_the_schema() -> None:
    rows = made(ITALIAN) + made(ITALIAN, None)
    assert all(set(row) == set(RECORDS.names) for row in rows)
    assert pa.Table.from_pylist(rows, RECORDS).to_pylist() == [
        {name: row[name] for name in RECORDS.names} for row in rows
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "Text.", "\n"])), max_size=8),
    st.sets(st.sampled_from(DIRECTIONS)),
    st.text("{}section title", max_size=20),
)
def test_every_section_is_asked_or_counted(tree: list[tuple[int, str]], directions: set[Direction], title: str) -> None:
    sections = [section(i, ("{title}", "b", "c")[:level], text) for i, (level, text) in enumerate(tree)]
    counters: Counter[str] = Counter()
    rows = [
        *records(page("en", title, 1, sections), None, "full", counters, directions),
        *records(page("sv", title, 2, sections), page("en", title, 1, sections), "full", counters, directions),
    ]
    assert len(rows) + sum(counters[f"without_text/{direction}"] for direction in directions) == (
        4 * len(sections) * len(directions)
    )
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["gold"] == "Text." and (title in row["prompt"] or "Mona Lisa" in row["prompt"]) for row in rows)
