"""`python -m validation filters`: what it measures, what it suggests, and a page that hostile texts cannot hurt."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from tests.parallel import good
from validation.__main__ import main
from validation.filters import LengthRatio, Numbers, Pair, TargetLanguage, default_filters
from validation.tune import REFUSED_SHARES, NoBuild, build_filters, sample_pairs, spreads
from validation.tune_page import histogram

HOSTILE = "<script>alert(1)</script> \u202e& \"<img src=x onerror=alert(2)>' 7 \x07"
FIELD = pa.struct(
    [("unit", pa.int32())]
    + [(name, pa.string()) for name in ("name", "kind", "by", "source", "target")]
    + [("score", pa.float32()), ("note", pa.string())]
)


def write_build(out: Path, texts: list[tuple[str, str]], **config: object) -> UPath:
    """A finished translate stage of two shards, with a glossary field that no filter measures."""
    folder = out / "stages/01-translate"
    folder.mkdir(parents=True)
    (out / "build.json").write_text(json.dumps({"config": {"to": "it", **config}}))
    common = {"unit": 0, "kind": "caption", "score": -0.1, "note": None}
    rows = [
        [
            {**common, "name": "text", "by": "machine", "source": source, "target": target},
            {**common, "name": "label", "by": "glossary", "source": "yes", "target": "sì"},
        ]
        for source, target in texts
    ]
    for shard in (0, 1):
        table = pa.table({"fields": pa.array(rows[shard::2], type=pa.list_(FIELD))})
        pq.write_table(table, folder / f"{shard:05d}.parquet")
    return UPath(out)


@pytest.fixture
def out(tmp_path: Path) -> UPath:
    texts = [(one.source, one.target) for one in good("it")]
    texts += [(HOSTILE, HOSTILE.replace("7", "8")), ("3 dogs", "4 cani"), ("A dog runs on a beach.", "Un cane.")]
    return write_build(tmp_path / "out", texts)


def test_tune_prints_every_filter_and_writes_a_page_of_text_alone(
    out: UPath, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["filters", "tune", str(out)]) == 0
    printed = capsys.readouterr().out
    assert all(one.name in printed for one in default_filters())
    page = (out / "validation" / "filters.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "iframe", "link"} & set(tags.seen)
    assert not any(name.startswith("on") or name in ("src", "action") for name in tags.attributes)
    assert all(address.startswith("#") for address in re.findall(r'href="([^"]*)"', page))
    assert "\u202e" not in page
    assert "[U+202E]" in page
    assert "4 cani" in page


class Tags(HTMLParser):
    """The tags of a page and the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_a_sample_is_drawn_from_all_shards_and_always_the_same(out: UPath) -> None:
    pairs, count = sample_pairs(out, 40)
    everything, _ = sample_pairs(out, 10**6)
    assert len(pairs) == 40
    assert count == len(everything) == len(good("it")) + 3
    assert sample_pairs(out, 40)[0] == pairs
    assert {pair.field for pair in everything} == {"text"}
    assert {(pair.source_language, pair.target_language, pair.kind) for pair in pairs} == {("en", "it", "caption")}
    assert 8 < sum(pair in everything[: count // 2] for pair in pairs) < 32


def test_what_unlike_sources_share_is_seen_across_shards(tmp_path: Path) -> None:
    target = "Una donna taglia le verdure in cucina."
    out = write_build(tmp_path / "out", [("A woman cuts vegetables.", target), ("The train has left.", target)])
    assert [pair.sharing for pair in sample_pairs(out, 9)[0]] == [1, 1]


def test_the_builds_own_thresholds_are_measured_against(tmp_path: Path) -> None:
    out = write_build(tmp_path / "out", [("3 dogs", "4 cani")], thresholds=["numbers_v2.allowed=1"])
    assert Numbers(allowed=1) in build_filters(out)
    [spread] = spreads(build_filters(out, ["numbers_v2"]), sample_pairs(out, 9)[0])
    assert (spread.refused, [each.figure for each in spread.measured]) == (0, [1.0])


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 90)), min_size=100, max_size=200),
    st.sampled_from([LengthRatio(), Numbers()]),
)
def test_a_suggested_threshold_never_refuses_more_than_was_asked(
    lengths: list[tuple[int, int]], one: LengthRatio | Numbers
) -> None:
    pairs = [Pair("t", f"{'a' * long} {' '.join('789'[:long])}", "b" * short, "en", "it") for long, short in lengths]
    [spread] = spreads([one], pairs)
    suggestions = spread.suggestions()
    assert [each.asked for each in suggestions] == list(REFUSED_SHARES)
    assert all(each.refuses <= each.asked for each in suggestions)


def test_suggestions_for_a_lower_bound_and_none_for_few_rows(out: UPath) -> None:
    pairs, _ = sample_pairs(out, 10**6)
    [spread] = spreads([TargetLanguage()], pairs)
    one, two, five = spread.suggestions()
    assert one.refuses <= 0.01 < five.refuses <= 0.05
    assert one.setting.startswith("target_language_v1.min_margin=")
    assert two.refuses <= 0.02
    assert spreads([TargetLanguage()], pairs[:50])[0].suggestions() == []


def test_the_rows_nearest_the_line_come_first_on_both_sides(out: UPath) -> None:
    [spread] = spreads([TargetLanguage(min_margin=0.8, leniency=0)], sample_pairs(out, 10**6)[0])
    refused, passed = spread.nearest()
    assert [each.figure for each in refused] == sorted((each.figure for each in refused), reverse=True)
    assert [each.figure for each in passed] == sorted(each.figure for each in passed)
    assert refused[0].figure < 0.8 <= passed[0].figure
    assert len(refused) == len(passed) == 8


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.floats(-10, 10))
def test_a_histogram_holds_every_row_once(figures: list[float], threshold: float) -> None:
    pairs = [Pair("t", "a", "b", "en", "it", score=figure) for figure in figures]

    class Scored(TargetLanguage):
        def measure(self, pair: Pair) -> float | None:
            return pair.score

    [spread] = spreads([Scored(min_margin=threshold)], pairs)
    drawn = histogram(spread)
    assert sum(bar.passed + bar.refused for bar in drawn.bars) == len(figures)
    assert sum(bar.refused for bar in drawn.bars) == spread.refused
    assert all(0 <= left <= 100 for _, left in drawn.lines)
    assert all(bar.passed_height + bar.refused_height < 100.001 for bar in drawn.bars)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["OUT", "--filter", "numbers"], "--filter numbers: no such filter in this build; there are out_of_domain_v1"),
        (["OUT", "--sample", "0"], "--sample 0: give a number of pairs above 0"),
        (["nowhere"], "build.json is not there"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(
    out: UPath, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["filters", "tune", *(str(out) if word == "OUT" else word for word in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_a_build_without_translations_is_named(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text('{"config": {"to": "it"}}')
    with pytest.raises(NoBuild, match="run the build first"):
        sample_pairs(UPath(tmp_path), 9)


def test_every_filter_is_listed_with_its_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["filters", "list"]) == 0
    printed = capsys.readouterr().out
    assert all(one.name in printed for one in default_filters())
    assert re.search(r"similarity_v1 +with a model .*min_cosine=0.6", printed)
    assert "min_margin=-0.15" in printed
