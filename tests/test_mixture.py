"""Mixtures and chat templates: pure functions, by property."""

import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.stages.training_sets import beside_the_paper
from builders.transforms import mixture
from builders.transforms.chat_templates import NotATemplate, exchanges, llava, mistral
from builders.transforms.mixture import (
    Ratio,
    TooFew,
    in_target_language,
    lowest,
    parse_ratio,
    parse_size,
    quotas,
    times_drawn,
)

IDS = st.lists(st.text("0123456789abcdef", min_size=1, max_size=6), max_size=60, unique=True)
RATIOS = st.builds(Ratio, st.integers(0, 100), st.integers(1, 100))
SEEDS = st.integers(0, 5)


@given(IDS, RATIOS, SEEDS)
def test_exactly_the_share_is_in_the_target_language(ids: list[str], ratio: Ratio, seed: int) -> None:
    assert in_target_language(ids, ratio, seed).sum() == round(ratio.share * len(ids))


@given(IDS, RATIOS, RATIOS, SEEDS)
def test_who_is_in_the_target_language_at_a_low_share_is_so_at_a_higher_one(
    ids: list[str], one: Ratio, other: Ratio, seed: int
) -> None:
    low, high = sorted((one, other), key=lambda ratio: ratio.share)
    assert not (in_target_language(ids, low, seed) & ~in_target_language(ids, high, seed)).any()


@given(IDS, st.integers(0, 70), SEEDS, st.randoms())
def test_a_draw_is_the_same_in_any_order_and_part_of_a_larger_one(
    ids: list[str], count: int, seed: int, chance: random.Random
) -> None:
    drawn = {its for its, taken in zip(ids, lowest(ids, count, seed, "sample"), strict=True) if taken}
    assert len(drawn) == min(count, len(ids))
    shuffled = chance.sample(ids, len(ids))
    more = {its for its, taken in zip(shuffled, lowest(shuffled, count + 1, seed, "sample"), strict=True) if taken}
    assert drawn <= more


def test_ids_of_one_rank_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixture, "ranks", lambda ids, seed, purpose: np.array([len(its) for its in ids], np.uint64))
    for ids in (["b", "a", "dd", "cc"], ["cc", "dd", "a", "b"]):
        chosen = {count: {ids[at] for at in np.flatnonzero(lowest(ids, count, 0, ""))} for count in range(5)}
        assert chosen == {0: set(), 1: {"a"}, 2: {"a", "b"}, 3: {"a", "b", "cc"}, 4: set(ids)}


def test_seeds_and_purposes_choose_otherwise() -> None:
    ids = [f"{number:032x}" for number in range(1000)]
    by_seed = [lowest(ids, 500, seed, "sample") for seed in range(3)]
    assert 200 < (by_seed[0] & by_seed[1]).sum() < 300
    assert (by_seed[1] != by_seed[2]).any()
    sampled, target = lowest(ids, 500, 0, "sample"), lowest(ids, 500, 0, "language")
    assert 200 < (sampled & target).sum() < 300, "a smaller sample has its share of each language"


@given(IDS, st.integers(0, 200), SEEDS, st.randoms())
def test_a_sample_is_drawn_twice_only_with_replacement_and_where_there_are_too_few(
    ids: list[str], count: int, seed: int, chance: random.Random
) -> None:
    if count > len(ids):
        with pytest.raises(TooFew, match=f"{count:,} are wanted, and there are {len(ids):,}"):
            times_drawn(ids, count, seed, "text")
        if not ids:
            return
    times = times_drawn(ids, count, seed, "text", replace=True)
    assert times.sum() == count
    if count <= len(ids):
        assert times.max(initial=0) <= 1
    shuffled = chance.sample(ids, len(ids))
    again = times_drawn(shuffled, count, seed, "text", replace=True)
    assert dict(zip(ids, times, strict=True)) == dict(zip(shuffled, again, strict=True))


def test_draws_with_replacement_are_independent() -> None:
    times = times_drawn([f"{number:04d}" for number in range(1000)], 2000, 7, "text", replace=True)
    assert 80 < (times == 0).sum() < 190, "exp(-2) of a thousand are never drawn"
    assert 3 < times.max() < 12


@given(
    st.integers(0, 500),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5), min_size=1),
    st.integers(0, 10),
)
def test_every_language_gets_its_share_and_its_sources_alike(count: int, sizes: dict[str, int], part: int) -> None:
    sources = {language: [f"{language}{number}" for number in range(size)] for language, size in sizes.items()}
    first, *others = sources
    share = {language: Fraction(1, len(others)) * (1 - Fraction(part, 10)) for language in others}
    share[first] = 1 - sum(share.values(), Fraction(0))
    made = quotas(count, sources, share)
    assert sum(made.values()) == count
    for language, names in sources.items():
        its = [made[name] for name in names]
        assert max(its) - min(its) <= 1
        assert abs(sum(its) - share[language] * count) < 1


def test_a_language_with_a_share_needs_a_source() -> None:
    shares = {"eu": Fraction(4, 5), "en": Fraction(1, 5)}
    assert quotas(10, {"eu": ["m"], "en": ["k", "l"]}, shares) == {"m": 8, "k": 1, "l": 1}
    with pytest.raises(ValueError, match="2 samples in 'en' are wanted, and no source is in that language"):
        quotas(10, {"eu": ["m"]}, shares)
    assert quotas(0, {}, shares) == {}


def test_the_papers_sizes() -> None:
    assert parse_size("29000").beside(144_000) == 29_000
    count = parse_size("17%").beside(144_000)
    assert count == round(144_000 * 17 / 83)
    assert round(100 * count / (count + 144_000), 3) == 17
    assert parse_ratio("20:80").share == parse_ratio("1:4").share == Fraction(1, 5)
    assert [parse_ratio(text).share for text in ("0:100", "100:0")] == [0, 1]


@pytest.mark.parametrize("text", ["20", "20:", ":80", "0:0", "-1:2", "20:80:1", "a:b", ""])
def test_what_is_no_ratio_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected target:source, such as 20:80"):
        parse_ratio(text)


@pytest.mark.parametrize("text", ["100%", "-3", "17 %", "0.17", "x", ""])
def test_what_is_no_size_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="such as 17%"):
        parse_size(text)


TEXT = st.text(st.characters(exclude_characters="[]<>", codec="utf-8"))


def turns(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"from": who, "value": text} for pair in pairs for who, text in zip(("human", "gpt"), pair, strict=True)]


def test_the_template_is_that_of_the_listing() -> None:
    said = turns([("<image>\nDi che colore è?", "Rosso."), ("E il cielo?", "Blu.")])
    assert mistral(said) == (
        "<s>[INST] <image>\nDi che colore è? [/INST] Rosso.</s><s>[INST] E il cielo? [/INST] Blu.</s>"
    )


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_a_conversation_can_be_read_back_from_the_template(pairs: list[tuple[str, str]]) -> None:
    text = mistral(turns(pairs))
    assert text.startswith("<s>[INST] ")
    assert text.endswith("</s>")
    whole = text.removeprefix("<s>[INST] ").removesuffix("</s>").split("</s><s>[INST] ")
    assert [tuple(each.split(" [/INST] ")) for each in whole] == pairs


@given(st.lists(st.sampled_from(["human", "gpt", "system"]), max_size=6))
def test_turns_must_alternate(said: list[str]) -> None:
    conversation = [{"from": who, "value": str(at)} for at, who in enumerate(said)]
    if said and Counter(zip(said[::2], said[1::2], strict=False)) == Counter({("human", "gpt"): len(said) / 2}):
        assert len(exchanges(conversation)) * 2 == len(said)
    else:
        with pytest.raises(NotATemplate, match="expected human, gpt, human, gpt…"):
            exchanges(conversation)


@pytest.mark.parametrize("word", ["[INST]", "[/INST]", "<s>", "</s>"])
def test_a_text_that_speaks_the_template_is_refused(word: str) -> None:
    with pytest.raises(NotATemplate, match="a word of the template"):
        mistral(turns([("a", f"b {word} c")]))


def test_a_record_has_no_image_where_there_is_none() -> None:
    said = turns([("a", "b")])
    assert llava("7", None, said) == {"id": "7", "conversations": said}
    assert llava("7", "a/b.jpg", said) == {"id": "7", "image": "a/b.jpg", "conversations": said}


def test_under_a_limit_nothing_is_compared_with_the_paper() -> None:
    assert beside_the_paper(60, 100, 0)["said"] == "given 60, the paper has 100 (difference -40)"
    limited = beside_the_paper(60, 100, 30)
    assert "difference" not in limited
    assert limited["said"] == "given 60, of every dataset the first 30 at most (--limit); the paper has 100"
