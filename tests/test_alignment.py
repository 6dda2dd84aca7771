"""The alignment filters one by one, targets that unlike sources share, and the filters that ask a model."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from validation import filters as f
from validation.filters import Filter, Pair, check, configured_filters
from validation.filters.models import BackTranslation, QualityEstimation, Similarity
from validation.filters.sentences import left_over, sentence_lengths
from validation.filters.sharing import said, shared, sharing, sketch


def pair(source: str, target: str, language: str = "it", **said: object) -> Pair:
    return Pair("text", source, target, "en", language, **said)  # type: ignore[arg-type]


# fmt: off
CASES: list[tuple[Filter, list[Pair], list[Pair]]] = [
    (
        f.TargetLanguage(),
        [
            pair("San Francisco", "San Francisco"), pair("View of the Golden Gate Bridge", "Vista del Golden Gate"),
            Pair("text", "Un perro corre por la playa.", "A dog runs on the beach.", "es", "en"),
        ],
        [
            pair("A dog is running on the beach.", "Ein Hund läuft am Strand entlang."),
            pair("A dog is running on the beach.", "Un chien court sur la plage."),
            pair("a red bus", "a red bus"),
            Pair("text", "Un perro corre por la playa.", "Un perro corre por la playa grande.", "es", "en"),
        ],
    ),
    (
        f.Untranslated(),
        [
            pair("pizza, pasta and mozzarella", "pizza, pasta e mozzarella"),
            pair("He wears a shirt of the Rolling Stones.", "Indossa una maglietta dei Rolling Stones."),
            pair('The sign says "no dogs on the beach".', 'Il cartello dice "no dogs on the beach".'),
            pair("He said no, no, no.", "Ha detto no, no, no."),
        ],
        [
            pair("A dog is running on the beach with a ball.", "Un cane corre on the beach with a ball."),
            pair("A man rides a horse.", "Un uomo rides a horse."),
        ],
    ),
    (
        f.Script(),
        [
            pair("A sign with the word МОСКВА", "Un cartello con la parola МОСКВА"),
            pair("The angle α is 30°.", "L'angolo α è di 30°."),
            pair("A Boeing 747 has landed.", "Boeing 747 приземлился.", "ru"), pair("the DNA", "ДНК (DNA)", "ru"),
            pair("19th century", "XIX век", "ru"), pair("a T-shirt", "Tシャツ", "ja"), pair("a dog", "pies 犬", "xx"),
        ],
        [
            pair("A dog is running.", "Un cane корre."), pair("a dog", "犬"), pair("a dog", "sobaka", "ru"),
            pair("a pizza", "pizza", "ru"), pair("A dog is running.", "Собака is running.", "ru"),
        ],
    ),
    (
        f.Names(),
        [
            pair("The man looks at Maria.", "L'uomo guarda Maria."), pair("I live in Florence.", "Vivo a Firenze."),
            pair("She lives in the Netherlands.", "Vive nei Paesi Bassi."), pair("on Monday", "lunedì"),
            pair("We saw Mikel.", "Mikelek ikusi gaitu.", "eu"), pair("an Italian flag", "una bandiera italiana"),
            pair("We saw Mikel.", "Мы видели Микеля.", "ru"), pair("in Vienna", "in Wien", "de"),
            pair("an X-ray of a T-shirt", "una radiografia di una maglietta"),
            pair("THE OLD MAN AND THE SEA", "il vecchio e il mare"), pair("the EU flag", "la bandiera dell'UE"),
            pair("the A320 at the gate", "l'A320 al gate"), pair("we saw Mikel", "ミケルを見た", "ja"),
            pair("a DSLR camera", "una reflex"), pair("the Queen of England", "la regina d'Inghilterra"),
        ],
        [
            pair("The man looks at Maria.", "L'uomo guarda."), pair("I live in Florence.", "Vivo in centro."),
            pair("the A320 at the gate", "l'aereo al gate"), pair("We saw Mikel.", "Мы видели его.", "ru"),
        ],
    ),
    (
        f.Quotes(),
        [
            pair('a sign that says "STOP"', "un cartello con la scritta «STOP»"), pair("it's Ann's", "è di Ann"),
            pair('a 27" screen', "uno schermo da 27 pollici"), pair('the word "dog"', "das Wort „Hund“", "de"),
            pair("He said ‘yes’.", 'Ha detto "sì".'), pair('the word "dog"', "「犬」という語", "ja"),
        ],
        [
            pair('a sign that says "STOP"', "un cartello di stop"), pair('"yes" or "no"', '"sì" o no'),
            pair('a sign that says "STOP"', "un cartello con la scritta « »"),
        ],
    ),
    (
        f.Sentences(),
        [
            pair("A dog runs. A cat sleeps.", "Un cane corre e un gatto dorme."),
            pair("A dog runs on the beach and a cat sleeps on it.", "Un cane corre in spiaggia. Un gatto ci dorme."),
            pair("A. red\nB. blue", "A. rosso\nB. blu"),
            Pair("text", "犬が走っている。猫が寝ている。", "Un cane corre. Un gatto dorme.", "ja", "it"),
            pair("Dr. Smith is in St. Paul.", "Il dott. Smith è a St. Paul."),
        ],
        [
            pair("A dog runs on the beach. A cat sleeps on the sofa.", "Un cane corre sulla spiaggia."),
            pair("A dog runs on the beach.", "Un cane corre sulla spiaggia. Il cielo è azzurro e senza nuvole."),
            pair("A. red\nB. blue", "A. rosso\nB. blu. Il cielo è azzurro e senza nuvole."),
        ],
    ),
    (
        f.Debris(),
        [
            pair("a < b and c > d", "a < b e c > d"), pair("R&D &amp; sales", "R&S &amp; vendite"),
            pair("a smile :)", "un sorriso :)"), pair("the <b>dog</b>", "il <b>cane</b>"),
            pair("Translation: a difficult art", "Traduzione: un'arte difficile"), pair("a) red", "(a) rosso"),
        ],
        [
            pair("a dog", "un▁cane"), pair("a dog", "un cane <unk>"), pair("a dog", "un cane<0x0A>"),
            pair("a dog", "<2it> un cane"), pair("a dog", "un cane ⁇"), pair("a dog", "un cane</"),
            pair("a dog", "un cane <im"), pair("a dog", "un cane &amp ;"), pair("a dog", "un cane&lt"),
            pair("a dog", "un ca\ufffdne"), pair("a dog", "un cane<|im_end|>"), pair("a dog (red)", "un cane (rosso"),
            pair("a dog", "Traduzione: un cane"), pair("a dog", "Sure! Un cane"), pair("a dog", "un ca@@ ne"),
        ],
    ),
    (
        f.SharedTarget(),
        [
            pair("a", "Un cane corre sulla spiaggia ora.", sharing=0), pair("sofa", "divano", sharing=7),
            pair("a", "Un cane corre sulla spiaggia ora."),
        ],
        [pair("a", "Un cane corre sulla spiaggia ora.", sharing=1)],
    ),
    (
        f.Unfinished(),
        [
            pair("What is it made of?", "Di che cosa è fatto?"), pair("a cup of tea", "una tazza di tè"),
            pair("in 44 BC, after the war", "en el año 44 a. C., tras la guerra", "es"),
        ],
        [
            pair("A group of people around a table", "Un gruppo di persone intorno a un"),
            pair("She works in Rome. She smiles.", "Lavora a . Sorride."),
        ],
    ),
    (
        f.Numbers(),
        [
            pair("the two dogs", "die beiden Hunde", "de"),
            pair("a bike with two wheels", "bi gurpileko bizikleta", "eu"),
            pair("1 million people", "миллион человек", "ru"), pair("3 dogs", "три собаки", "ru"),
            pair("the second of two", "il secondo di due"), pair("1,250,000 people", "1 250 000 personas", "es"),
        ],
        [
            pair("two dogs", "quattro cani"), pair("three cups and two plates", "tre tazze e cinque piatti"),
            pair("3 dogs", "собаки", "ru"), pair("two dogs", "три собаки", "ru"),
        ],
    ),
    (
        f.OptionLabels(),
        [pair("Which? A. red B. blue", "Quale? A. rosso B. blu"), pair("plan B. Then", "il piano B. Poi"),
         pair("Choose: 1.red, 2.blue", "Scegli: 1.rosso, 2.blu")],
        [pair("Choose: 1.red, 2.blue", "Scegli: 2.rosso, 1.blu"),
         pair("Which? A. red B. blue", "Quale? B. rosso A. blu"),
         pair("Choose: 1.red, 2.blue", "Scegli: rosso, 2.blu")],
    ),
    (
        f.Placeholders(),
        [pair("Give it as [x1, y1, x2, y2].", "Dalla come [x1,y1,x2,y2].")],
        [pair("Give it as [x1, y1, x2, y2].", "Dalla come [x1, y1, z2, y2].")],
    ),
]
# fmt: on


def refused(one: Filter, case: Pair) -> bool:
    return any(not finding.accepted for finding in check([case], [one]))


@pytest.mark.parametrize(("one", "good", "bad"), CASES, ids=[case[0].name for case in CASES])
def test_good_pairs_pass_and_bad_ones_do_not(one: Filter, good: list[Pair], bad: list[Pair]) -> None:
    assert [case for case in good if refused(one, case)] == []
    assert [case for case in bad if not refused(one, case)] == []


@given(st.lists(st.floats(5, 200), min_size=1, max_size=8))
def test_a_text_aligned_with_itself_leaves_nothing_over(lengths: list[float]) -> None:
    assert left_over(lengths, lengths, 0.0) == 0


@given(st.lists(st.floats(40, 60), min_size=2, max_size=6), st.data())
def test_a_sentence_dropped_among_sentences_of_a_like_length_is_found(
    lengths: list[float], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(lengths) - 1))
    kept = lengths[:place] + lengths[place + 1 :]
    assert left_over(lengths, kept, 0.0) == 1
    assert left_over(kept, lengths, 0.0) == 1


def test_sentences_survive_what_their_splitter_does_not() -> None:
    assert sentence_lengths("Hello\u2003J. Smith \ud800 here. Bye!", "en") != []
    assert len(sentence_lengths("走っている。寝ている。", "ja")) == 2


RIDES = ("A man rides a horse on the beach.", "A man is riding a horse on a beach.")
RIDING = "Un uomo cavalca un cavallo sulla spiaggia."


def test_paraphrases_may_share_a_translation_and_other_sources_may_not() -> None:
    everything = [(RIDES[0], RIDING), (RIDES[1], RIDING), ("Two children play cards at home.", RIDING)]
    table = shared([said(everything[:1]), said(everything[1:]), said([("sofa", "divano"), ("couch", "divano")])])
    assert [sharing(table, source, target) for source, target in everything] == [1, 1, 2]
    assert sharing(table, "sofa", "divano") == 0
    assert sharing(table, RIDES[0], "Due bambini giocano a carte in casa.") == 0


TEXTS = st.tuples(
    st.text("ab ", min_size=1, max_size=6),
    st.sampled_from([RIDING, RIDING.upper(), "Un cane corre sulla spiaggia ora."]),
)


@given(st.lists(TEXTS, max_size=30), st.integers(1, 4))
def test_sharing_is_the_same_however_texts_are_cut_into_shards(texts: list[tuple[str, str]], shards: int) -> None:
    whole = shared([said(texts)])
    assert shared([said(texts[start::shards]) for start in range(shards)]).tobytes() == whole.tobytes()
    assert all(sharing(whole, *each) < len({sketch(source) for source, _ in texts}) for each in texts)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A bi-encoder and a cross-encoder of 2 layers with random weights, as sentence-transformers saves them."""
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("encoders")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *"abcdefghijklmnopqrstuvwxyz.?",
        *("##" + c for c in "abcdefghijklmnopqrstuvwxyz"),
    ]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    shape = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        num_labels=1,
    )  # fmt: skip
    for name, model in (("bert", BertModel(shape)), ("judge", BertForSequenceClassification(shape))):
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    body = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[body, Pooling(32)]).save(str(folder / "embedder"))
    CrossEncoder(str(folder / "judge")).save(str(folder / "cross"))
    return str(folder / "embedder"), str(folder / "cross")


PAIRS = [
    pair("a dog is on the beach", "a dog is on the beach"), pair("a dog is on the beach", "zzz qqq xxx"),
    pair("12", "12"), pair("a dog is on the beach", "a dog is on the beach"), pair("dog", "zzz qqq"),
]  # fmt: skip


def test_similarity_is_the_cosine_of_two_embeddings_and_passes_short_answers(encoders: tuple[str, str]) -> None:
    one = Similarity(encoders[0], min_cosine=0.999)
    first, second, third, fourth, fifth = one.measure_all(PAIRS)
    assert first == pytest.approx(1) == fourth
    assert second is not None
    assert -1 <= second < 0.999
    assert third is None
    assert fifth is not None
    assert [finding.accepted for finding in check(PAIRS, [one])] == [True, False, True, True]
    assert one.measure(PAIRS[1]) == pytest.approx(second, abs=1e-5)


def test_quality_estimation_refuses_nothing_until_a_threshold_is_chosen(encoders: tuple[str, str]) -> None:
    figures = [figure for figure in QualityEstimation(encoders[1]).measure_all(PAIRS) if figure is not None]
    assert len(figures) == 4
    assert len(set(figures)) == 3
    assert all(finding.accepted for finding in check(PAIRS, [QualityEstimation(encoders[1])]))
    strict = configured_filters([f"quality_estimation_v1.min_quality={max(figures)}"], quality_estimation=encoders[1])
    assert {finding.accepted for finding in check(PAIRS, strict[-1:])} == {True, False}


def test_back_translation_compares_with_the_source_and_asks_each_target_once() -> None:
    asked: list[str] = []

    def translate_back(texts: Sequence[str]) -> list[str | None]:
        asked.extend(texts)
        known = {"Un cane corre sulla spiaggia.": "A dog is running on the beach.", "Un gatto dorme.": None}
        return [known.get(text, "Something else altogether.") for text in texts]

    dog = "A dog runs on the beach."
    pairs = [
        pair(dog, "Un cane corre sulla spiaggia."),
        pair(dog, "Una barca."),
        pair("A cat is asleep.", "Un gatto dorme."),
    ]
    found = check([*pairs, pairs[0]], [BackTranslation(translate_back)])
    assert [finding.accepted for finding in found] == [True, False, True]
    assert found[0].figure > 60 > 30 > found[1].figure
    assert sorted(asked) == sorted({each.target for each in pairs})


def test_optional_filters_are_off_until_a_model_is_named(tmp_path: Path) -> None:
    names = {each.name for each in configured_filters()}
    assert "similarity_v1" not in names
    with pytest.raises(ValueError, match="no such threshold"):
        configured_filters(["similarity_v1.min_cosine=0.7"])
    on = configured_filters(["similarity_v1.min_cosine=0.7"], similarity=str(tmp_path))
    assert on[-1] == Similarity(str(tmp_path), min_cosine=0.7)
    assert on[-1].has_model
