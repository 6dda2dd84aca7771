"""Marian: transformers' own ids, one language pair, and sampling that a text's neighbours cannot change."""

import json
import math
import random
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import MarianTokenizer

from tests.checkpoints import make_marian
from translators import TranslatorError
from translators.backends.sampling import gumbel_noise
from translators.checkpoints import find_checkpoint
from translators.marian import MarianVocabulary
from translators.seq2seq import seq2seq_translator

TEXTS = [
    "the cat sits on the red table", "a old dog runs", "How 😀 many cups?", "cat", "",
    "  two  blanks ", "the old boat , the red cups and a dog in the park", "un petit garçon", "▁▁ marks",
]  # fmt: skip


pytestmark = pytest.mark.usefixtures("conversions")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marian(tmp_path_factory.mktemp("models") / "mt-tiny-en-eu")


# --- tokens ---------------------------------------------------------------------------------------


def test_ids_are_those_of_transformers(model: Path) -> None:
    ours = MarianVocabulary(find_checkpoint(str(model)), "en", "eu")
    theirs = MarianTokenizer.from_pretrained(model)
    for text in TEXTS:
        assert ours.encode(text) == theirs(text)["input_ids"], text
    rng = random.Random(0)
    for _ in range(50):
        tokens = [rng.randrange(2, len(theirs) - 1) for _ in range(8)]
        assert ours.decode([*tokens, ours.special.pad]) == theirs.decode(tokens, skip_special_tokens=True)


def test_special_tokens_in_a_text_are_text(model: Path) -> None:
    """MarianTokenizer takes "</s>" for the end and ">>eus<<" for an order; a dataset may hold both."""
    vocabulary = MarianVocabulary(find_checkpoint(str(model)), "en", "eu")
    for text in ("a </s> cat", "<pad> cat", ">>eus<< cat"):
        ids = vocabulary.encode(text)
        assert ids.count(vocabulary.special.end) == 1
        assert vocabulary.special.pad not in ids
        assert len(ids) > 6


def test_unknown_characters_are_noted(model: Path) -> None:
    translator = seq2seq_translator(str(model), "eu", decoding="greedy", backend="transformers")
    strange, plain = translator.translate_texts(["a cat 😀", "a cat"])
    assert strange.note is not None
    assert "unknown to the model: 😀" in strange.note
    assert "unknown" not in (plain.note or "")


# --- decoding -------------------------------------------------------------------------------------


def test_ctranslate2_gives_what_transformers_gives(tmp_path: Path) -> None:
    made = make_marian(tmp_path / "model", end_bias=2.0)
    texts = [" ".join(random.Random(seed).sample(TEXTS[0].split(), 5)) for seed in range(40)]
    one, other = (
        seq2seq_translator(str(made), "eu", decoding="greedy", backend=backend, precision="float32", batch_tokens=256)
        for backend in ("transformers", "ctranslate2")
    )
    for a, b in zip(one.translate_texts(texts), other.translate_texts(texts), strict=True):
        assert a.texts == b.texts
        assert a.score == pytest.approx(b.score, abs=1e-3)


def test_the_papers_decoding_is_the_default_and_is_reproducible(model: Path) -> None:
    translator = seq2seq_translator(str(model), "eu", batch_tokens=256)
    assert (translator.settings["decoding"], translator.settings["backend"]) == ("sample", "transformers")
    together = dict(zip(TEXTS, translator.translate_texts(TEXTS), strict=True))
    again = seq2seq_translator(str(model), "eu", batch_tokens=256)
    for seed in range(3):
        some = random.Random(seed).sample(TEXTS * 3, 11)
        assert again.translate_texts(some) == [together[text] for text in some]
    greedy = seq2seq_translator(str(model), "eu", decoding="greedy", backend="transformers").translate_texts(TEXTS)
    assert [made.texts for made in greedy] != [together[text].texts for text in TEXTS]


def test_samples_of_a_model_have_its_distribution(model: Path) -> None:
    """The first token of many samples against the model's own probabilities: chi-square over the likely tokens."""
    translator = seq2seq_translator(str(model), "eu", batch_tokens=256)
    translator.load()
    tokens = torch.tensor([translator._vocabulary.encode("a old dog runs")])
    loaded = translator._backend._made._model  # type: ignore[attr-defined]
    start = torch.tensor([[translator._vocabulary.special.start]])
    with torch.no_grad():
        logits = loaded(input_ids=tokens, decoder_input_ids=start).logits[0, -1].clone().double()
    logits[translator._vocabulary.special.pad] = -math.inf
    draws = 20_000
    seeds = torch.arange(draws)
    found = torch.cat([(logits + gumbel_noise(part, 0, len(logits))).argmax(-1) for part in seeds.split(2000)])
    assert chi_square(found, logits.softmax(-1)) < 4


def chi_square(found: torch.Tensor, probabilities: torch.Tensor) -> float:
    """How many standard deviations Pearson's statistic lies above its mean, rare tokens taken together."""
    expected = probabilities * len(found)
    observed = torch.bincount(found, minlength=len(probabilities)).double()
    rare = expected < 10
    expected = torch.cat([expected[~rare], expected[rare].sum()[None]])
    observed = torch.cat([observed[~rare], observed[rare].sum()[None]])
    kept = expected > 0
    statistic = float(((observed - expected)[kept] ** 2 / expected[kept]).sum())
    freedom = int(kept.sum()) - 1
    return (statistic - freedom) / math.sqrt(2 * freedom)


@pytest.mark.parametrize("step", [0, 1, 300])
def test_noise_samples_a_known_distribution(step: int) -> None:
    probabilities = torch.tensor([0.5, 0.2, 0.15, 0.1, 0.04, 0.01, 0.0], dtype=torch.float64)
    seeds = torch.tensor([hash(("text", index)) for index in range(30_000)])
    found = (probabilities.log() + gumbel_noise(seeds, step, 7)).argmax(-1)
    assert chi_square(found, probabilities) < 4
    assert not (found == 6).any()


def test_noise_of_steps_tokens_and_neighbouring_seeds_is_independent() -> None:
    noise = torch.stack([gumbel_noise(torch.arange(40), step, 50) for step in range(20)]).flatten(0, 1)
    assert noise.isfinite().all()
    assert abs(float(noise.mean()) - 0.5772) < 0.02
    assert abs(float(noise.var()) - math.pi**2 / 6) < 0.05
    for matrix in (noise, noise.T):
        correlations = torch.corrcoef(matrix).fill_diagonal_(0)
        assert float(correlations.abs().max()) < 6 / math.sqrt(matrix.shape[1])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8), st.integers(0, 1100), st.data())
def test_noise_is_a_rows_own(seeds: list[int], step: int, data: st.DataObject) -> None:
    rows = gumbel_noise(torch.tensor(seeds), step, 9)
    chosen = data.draw(st.integers(0, len(seeds) - 1))
    assert torch.equal(gumbel_noise(torch.tensor([seeds[chosen]]), step, 9)[0], rows[chosen])
    assert rows.isfinite().all()


# --- limits ---------------------------------------------------------------------------------------


def test_a_long_sentence_is_split_so_that_its_answer_has_room(model: Path) -> None:
    """64 positions: 24 tokens of source may become 64 of target."""
    translator = seq2seq_translator(str(model), "eu", decoding="greedy", backend="transformers")
    assert translator._vocabulary.max_source_tokens == 24
    (made,) = translator.translate_texts(["the cat sits on the red table, " * 4])
    assert made.error is None
    assert translator.take_counters()["splits"] == 1


def test_an_answer_that_fills_all_positions_is_an_error(tmp_path: Path) -> None:
    """The checkpoint asks for a forced end at its last position, which would hide the cut."""
    never = make_marian(tmp_path / "never", end_bias=-50.0)
    for backend in ("transformers", "ctranslate2"):
        (made,) = seq2seq_translator(
            str(never), "eu", decoding="greedy", backend=backend, batch_tokens=64
        ).translate_texts(["the red cat"])
        assert made.error is not None
        assert "the model is looping" in made.error


# --- what is refused ------------------------------------------------------------------------------


def test_another_language_pair_is_an_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(TranslatorError, match="--to it: mt-tiny-en-eu translates from en to eu"):
        seq2seq_translator(str(model), "it")
    with pytest.raises(TranslatorError, match="--source es: mt-tiny-en-eu translates from en to eu"):
        seq2seq_translator(str(model), "eu", source="es")
    three_letters = make_marian(tmp_path / "three", languages=("eng", "eus"))
    assert seq2seq_translator(str(three_letters), "eu").settings["target"] == "eu"
    with pytest.raises(TranslatorError, match="--to fr: three translates from en to eu"):
        seq2seq_translator(str(three_letters), "fr")
    named = make_marian(tmp_path / "opus-mt-en-it", languages=None)
    with pytest.raises(TranslatorError, match="--to eu: opus-mt-en-it translates from en to it"):
        seq2seq_translator(str(named), "eu")
    shutil.copytree(named, tmp_path / "run-old-new")
    assert seq2seq_translator(str(tmp_path / "run-old-new"), "eu").name == "run-old-new"


def test_a_checkpoint_that_is_not_of_one_pair_is_an_error(model: Path, tmp_path: Path) -> None:
    def changed(name: str, file: str, change: dict[str, object]) -> Path:
        folder = tmp_path / name
        shutil.copytree(model, folder)
        found = json.loads((folder / file).read_text(encoding="utf-8"))
        (folder / file).write_text(json.dumps(found | change), encoding="utf-8")
        return folder

    for folder, message in (
        (changed("many", "vocab.json", {">>ita<<": 7}), "chooses its target by a tag"),
        (changed("two", "tokenizer_config.json", {"separate_vocabs": True}), "has two vocabularies"),
        (changed("null", "config.json", {"pad_token_id": [1]}), "must have <unk> and </s>"),
        (
            changed("word", "config.json", {"max_position_embeddings": "long"}),
            "max_position_embeddings 'long'; .* whole",
        ),
        (changed("ids", "vocab.json", {"cat": [7]}), "vocab.json must give each piece a whole number"),
        (changed("odd", "config.json", {"eos_token_id": 5}), "must have <unk> and </s>"),
    ):
        with pytest.raises(TranslatorError, match=message):
            seq2seq_translator(str(folder), "eu")


def test_sampling_with_ctranslate2_is_refused_with_the_reason(model: Path) -> None:
    with pytest.raises(TranslatorError, match="one random stream for a whole batch"):
        seq2seq_translator(str(model), "eu", backend="ctranslate2")
