"""The embedded demo model must translate texts of its grammar that training never saw, and write good Italian."""

import hashlib
import json
from functools import cache
from itertools import islice
from random import Random
from typing import Any

import pytest
import sentencepiece
import torch
from safetensors import safe_open
from transformers import T5ForConditionalGeneration

from translators.demo import MODEL, italian
from translators.demo.grammar import (
    SHAPES,
    Example,
    draw,
    generate,
    has_held_out_pair,
    is_held_out_sentence,
    is_new_sentence,
    is_training,
    sample,
)
from translators.demo.lexicon import LEXICON
from translators.demo.train import LONGEST, TRAINING_SEED, encode_source, exact_match, translate


@cache
def tokenizer() -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(MODEL / "spiece.model"))


@cache
def model() -> Any:
    torch.set_num_threads(1)
    loaded: Any = T5ForConditionalGeneration.from_pretrained(MODEL, dtype=torch.float32)
    return loaded.eval()


@cache
def facts() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((MODEL / "demo.json").read_text(encoding="utf-8"))
    return loaded


@cache
def draws() -> list[Example]:
    rng = Random(5)
    return [generate(rng) for _ in range(20_000)]


# --- what the model can do ------------------------------------------------------------------------


@pytest.mark.parametrize(("held_out", "seed"), [(is_new_sentence, 2024), (has_held_out_pair, 2025)])
def test_translates_what_it_never_saw(held_out: Any, seed: int) -> None:
    examples = sample(200, seed, held_out)
    assert not any(map(is_training, examples))
    share, scores = exact_match(model(), tokenizer(), examples, show=5)
    assert share >= 0.98
    trusted = sum(score >= facts()["min_score"] for score in scores)
    assert trusted / len(scores) >= 0.96


def test_training_set_is_free_of_held_out_texts() -> None:
    for example in islice(draw(TRAINING_SEED, is_training), 5000):
        assert not is_held_out_sentence(example.source)
        assert not has_held_out_pair(example)


def test_a_text_outside_the_grammar_scores_low() -> None:
    texts = [
        "Why did the committee postpone its annual meeting?",
        "The stock market fell sharply after the announcement.",
        "Her grandmother told us a long story about the war.",
    ]
    assert all(score < facts()["min_score"] for _, score in translate(model(), tokenizer(), texts))


def test_translation_does_not_depend_on_the_batch() -> None:
    texts = [example.source for example in sample(24, 7)]
    together = translate(model(), tokenizer(), texts)
    alone = [translate(model(), tokenizer(), [text])[0] for text in texts]
    assert [text for text, _ in together] == [text for text, _ in alone]
    assert [score for _, score in together] == pytest.approx([score for _, score in alone], abs=1e-3)


# --- the checkpoint -------------------------------------------------------------------------------


def test_language_tag_is_one_piece() -> None:
    pieces = tokenizer().encode("<2it> a red box", out_type=str)
    assert pieces == ["▁", "<2it>", "▁a", "▁red", "▁box"]
    assert (tokenizer().unk_id(), tokenizer().bos_id(), tokenizer().eos_id()) == (0, 1, 2)


def test_words_of_the_grammar_are_whole_pieces_and_survive() -> None:
    for example in draws()[:3000]:
        for text in (example.source, example.target):
            assert tokenizer().decode(tokenizer().encode(text)) == text
        pieces = tokenizer().encode(example.source, out_type=str)
        if example.kind != "option":  # the label of "(c) a box" is a letter
            assert not [piece for piece in pieces if len(piece) == 1 and piece.isalpha()]
        assert max(len(encode_source(tokenizer(), example.source)), len(pieces)) < LONGEST


def test_output_layer_is_its_own() -> None:
    with safe_open(MODEL / "model.safetensors", framework="pt") as tensors:
        head, embedding = tensors.get_tensor("lm_head.weight"), tensors.get_tensor("shared.weight")
        assert all(tensors.get_tensor(name).dtype == torch.float16 for name in tensors.keys())  # noqa: SIM118
    assert not torch.equal(head, embedding)
    assert torch.equal(model().lm_head.weight, head.float())
    assert torch.equal(model().shared.weight, embedding.float())


def test_description_names_this_very_checkpoint() -> None:
    digest = hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest()
    assert facts()["name"] == "babelvision-demo-en-it"
    assert facts()["revision"] == digest[:12]
    assert "rubbish" in facts()["about"]
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 3.2e6


# --- the grammar ----------------------------------------------------------------------------------


def test_each_source_has_one_translation() -> None:
    known: dict[str, str] = {}
    for example in draws():
        assert known.setdefault(example.source, example.target) == example.target, example.source


def test_each_shape_is_drawn() -> None:
    shapes = {shape.__name__ for _, _, shapes in SHAPES for shape in shapes}
    assert {example.shape for example in draws()} == shapes


def test_texts_are_tidy() -> None:
    for example in draws():
        for text in (example.source, example.target):
            assert text == " ".join(text.split())
            assert "' " not in text
        if example.source[0].isalpha():
            assert example.source[0].isupper() == example.target[0].isupper()
        assert example.source[-1:] in ".?" if example.target[-1] in ".?" else example.source[-1] not in ".?"


def test_same_seed_same_examples() -> None:
    assert sample(50, 3) == sample(50, 3)
    assert sample(50, 3) != sample(50, 4)


# --- Italian --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "gender", "singular", "indefinite"),
    [
        ("cane", "m", "il cane", "un cane"),
        ("zaino", "m", "lo zaino", "uno zaino"),
        ("specchio", "m", "lo specchio", "uno specchio"),
        ("studente", "m", "lo studente", "uno studente"),
        ("pneumatico", "m", "lo pneumatico", "uno pneumatico"),
        ("gnomo", "m", "lo gnomo", "uno gnomo"),
        ("yogurt", "m", "lo yogurt", "uno yogurt"),
        ("sofà", "m", "il sofà", "un sofà"),
        ("amico", "m", "l'amico", "un amico"),
        ("hamburger", "m", "l'hamburger", "un hamburger"),
        ("amica", "f", "l'amica", "un'amica"),
        ("arancia", "f", "l'arancia", "un'arancia"),
        ("zebra", "f", "la zebra", "una zebra"),
        ("strada", "f", "la strada", "una strada"),
    ],
)
def test_articles(word: str, gender: italian.Gender, singular: str, indefinite: str) -> None:
    assert italian.join(italian.definite_article(word, gender), word) == singular
    assert italian.join(italian.indefinite_article(word, gender), word) == indefinite


@pytest.mark.parametrize(
    ("word", "gender", "expected"),
    [
        ("cani", "m", "i cani"),
        ("zaini", "m", "gli zaini"),
        ("uomini", "m", "gli uomini"),
        ("sci", "m", "gli sci"),
        ("amiche", "f", "le amiche"),
        ("zebre", "f", "le zebre"),
    ],
)
def test_plural_articles(word: str, gender: italian.Gender, expected: str) -> None:
    assert italian.join(italian.definite_article(word, gender, plural=True), word) == expected


@pytest.mark.parametrize(
    ("preposition", "word", "gender", "plural", "expected"),
    [
        ("di", "specchio", "m", False, "dello specchio"),
        ("in", "acqua", "f", False, "nell'acqua"),
        ("in", "zaini", "m", True, "negli zaini"),
        ("su", "tavolo", "m", False, "sul tavolo"),
        ("su", "alberi", "m", True, "sugli alberi"),
        ("a", "sinistra", "f", False, "alla sinistra"),
        ("a", "uomo", "m", False, "all'uomo"),
        ("da", "studenti", "m", True, "dagli studenti"),
        ("di", "case", "f", True, "delle case"),
    ],
)
def test_contractions(preposition: str, word: str, gender: italian.Gender, plural: bool, expected: str) -> None:
    assert italian.join(italian.contracted(preposition, word, gender, plural), word) == expected


def test_that_and_beautiful_look_at_the_next_word() -> None:
    words: list[tuple[str, italian.Gender, bool]] = [
        ("cane", "m", False),
        ("zaino", "m", False),
        ("albero", "m", False),
        ("cani", "m", True),
        ("zaini", "m", True),
        ("alberi", "m", True),
        ("isola", "f", False),
        ("isole", "f", True),
    ]
    those = [italian.join(italian.that(*word), word[0]) for word in words]
    assert those[:4] == ["quel cane", "quello zaino", "quell'albero", "quei cani"]
    assert those[4:] == ["quegli zaini", "quegli alberi", "quell'isola", "quelle isole"]
    fine = [italian.join(italian.preposed("bello", *word), word[0]) for word in words]
    assert fine[:4] == ["bel cane", "bello zaino", "bell'albero", "bei cani"]
    assert fine[4:] == ["begli zaini", "begli alberi", "bell'isola", "belle isole"]
    assert italian.join(italian.this("uomo", "m"), "uomo") == "quest'uomo"


@pytest.mark.parametrize(
    ("adjective", "forms"),
    [
        ("rosso", "rosso rossa rossi rosse"),
        ("verde", "verde verde verdi verdi"),
        ("bianco", "bianco bianca bianchi bianche"),
        ("lungo", "lungo lunga lunghi lunghe"),
        ("grigio", "grigio grigia grigi grigie"),
        ("vecchio", "vecchio vecchia vecchi vecchie"),
        ("blu", "blu blu blu blu"),
        ("viola", "viola viola viola viola"),
        ("marrone", "marrone marrone marroni marroni"),
    ],
)
def test_agreement(adjective: str, forms: str) -> None:
    made = [italian.inflected(adjective, gender, plural) for plural in (False, True) for gender in ("m", "f")]
    assert made == forms.split()


def test_an_article_agrees_with_the_word_it_stands_before() -> None:
    wrong = ("il a", "il e", "il i", "il o", "il u", "il z", "il st", "il sp", "un'o ", "i a", "i z", "gli c", "lo c")
    for example in draws():
        lowered = f" {example.target.lower()}"
        assert not [sign for sign in wrong if f" {sign}" in lowered], example.target
        for fused in (" di il ", " di la ", " in il ", " in la ", " su il ", " su la ", " a il ", " da la "):
            assert fused not in lowered, example.target


def test_lexicon_has_no_doubles() -> None:
    for name, nouns in LEXICON.nouns.items():
        assert len({noun.english for noun in nouns}) == len(nouns), name
        assert all(noun.english != noun.english_plural for noun in nouns), name
    for adjective in LEXICON.fits:
        assert any(a.english == adjective for table in LEXICON.adjectives.values() for a in table), adjective
