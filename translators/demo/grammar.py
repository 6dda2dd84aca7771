"""The demo grammar: every text that the embedded demo model knows, in English and Italian.

`generate` draws one example, `sample` many. A fixed share of the grammar is never trained on, so that
the model can be measured on it: see `is_held_out_sentence` and `has_held_out_pair`. Both depend only on
a hash of the text, so a test can tell without rebuilding the training set.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from translators.demo import answers, captions, claims, questions, regions, steps
from translators.demo.lexicon import LEXICON
from translators.demo.phrases import NounAdjective, Pair

SENTENCE_SHARE = 50  # one source sentence in so many is held out
PAIR_SHARE = 8  # one noun-adjective pair in so many is held out
SHORTEST_HELD_OUT = 4  # words; a shorter text may hold the only sight of a word's capital form

# "old" is *vecchio* or, of people, *anziano*: which one, no model can tell of a noun that it never saw with "old"
AMBIGUOUS_ADJECTIVES = frozenset({"old"})

Shape = Callable[[Random], Pair]


@dataclass(frozen=True)
class Example:
    """`kind` is caption, phrase, question, answer, option, step, goal, claim, relation or attribute."""

    source: str
    target: str
    kind: str
    shape: str
    pairs: frozenset[NounAdjective]


# kind, weight of each of its shapes, shapes
SHAPES: tuple[tuple[str, float, tuple[Shape, ...]], ...] = (
    (
        "caption",
        1.5,
        (
            captions.thing_somewhere,
            captions.there_is,
            captions.thing_is_somewhere,
            captions.someone_is_doing,
            captions.someone_doing,
            captions.someone_is_acting_on,
            captions.someone_acting_on,
            captions.posture,
            captions.posture_phrase,
            captions.parked,
            captions.holding,
            captions.someone_holding,
            captions.wearing,
            captions.picture_shows,
            captions.photo_of,
            captions.seen_in_background,
            captions.two_sentences,
            captions.group_of,
            captions.plural_things,
        ),
    ),
    (
        "phrase",
        1.3,
        (
            regions.named_thing,
            regions.two_coloured,
            regions.part_of,
            regions.someones_part,
            regions.telegraphic,
            regions.bare_thing_somewhere,
            regions.thing_at_side,
            regions.container,
            captions.in_clothes,
            captions.with_thing,
        ),
    ),
    (
        "claim",
        1.2,
        (
            claims.thing_is_coloured,
            claims.person_is,
            claims.made_of,
            claims.taken_when,
            claims.comparison,
            claims.no_such_thing,
            claims.all_are,
            claims.only_one,
            claims.yes_there_is,
            claims.wears_colour,
            claims.resembles,
            claims.this_is,
            claims.it_is,
            claims.it_is_there,
            claims.pronoun_is_doing,
        ),
    ),
    (
        "question",
        1.5,
        (
            questions.what_colour,
            questions.what_colour_there,
            questions.what_colour_clothes,
            questions.what_material,
            questions.is_made_of,
            questions.what_shape,
            questions.how_many,
            questions.how_many_doing,
            questions.is_there,
            questions.are_there,
            questions.is_coloured,
            questions.is_it_there,
            questions.where_is,
            questions.where_doing,
            questions.photo_taken,
            questions.what_doing,
            questions.what_of_person,
            questions.what_riding,
            questions.what_sport,
            questions.is_doing,
            questions.is_acting_on,
            questions.is_holding,
            questions.is_wearing,
            questions.what_is_there,
            questions.which_category,
            questions.what_kind,
            questions.which_is_bigger,
            questions.which_room,
            questions.who_is,
            questions.does_have,
            questions.has_in_hand,
            questions.do_you_see,
            questions.how_is_it,
            questions.how_old,
            questions.is_this,
            questions.pronoun_question,
            questions.numbered_person,
        ),
    ),
    (
        "answer",
        1.5,
        (
            answers.colour,
            answers.noun_phrase,
            answers.place_phrase,
            answers.activity_on,
            answers.two_things,
            answers.listing,
        ),
    ),
    # closed lists: each text is learnt by heart, so each is drawn often
    ("answer", 6.0, (answers.listed, answers.naming)),
    ("answer", 2.5, (answers.digits, answers.activity)),
    ("attribute", 2.0, (answers.attribute,)),
    ("question", 2.5, (questions.fixed_question,)),
    ("step", 2.5, (steps.fixed_step,)),
    ("claim", 1.5, (claims.weather_is,)),
    ("relation", 1.5, (answers.relation, answers.wearing_phrase)),
    ("option", 1.5, (answers.labelled_option,)),
    (
        "step",
        1.2,
        (
            steps.step_on_thing,
            steps.step_put,
            steps.step_two_things,
            steps.step_cover,
            steps.step_paint,
            steps.step_wait,
        ),
    ),
    ("goal", 1.5, (steps.goal,)),
)
_BY_HEART = frozenset(
    english.lower()
    for table in ("fixed_answers", "circumstances", "weather_sentences", "fixed_questions", "fixed_steps")
    for english in LEXICON.words[table]
)
_CHOICES = [(kind, shape) for kind, _, shapes in SHAPES for shape in shapes]
_WEIGHTS = [weight for _, weight, shapes in SHAPES for _ in shapes]

# shares of (capital and full stop, capital, lower case and full stop); the rest is plain lower case
STYLES = {
    "caption": (0.6, 0.1, 0.05),
    "claim": (0.7, 0.1, 0.05),
    "step": (0.75, 0.1, 0.05),
    "question": (0.0, 0.8, 0.0),
    "goal": (0.1, 0.65, 0.0),
    "phrase": (0.08, 0.12, 0.0),
    "answer": (0.2, 0.3, 0.0),
    "attribute": (0.1, 0.3, 0.0),
    "relation": (0.1, 0.2, 0.0),
    "option": (0.1, 0.0, 0.1),
}


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def generate(rng: Random) -> Example:
    """One example of the grammar; it may be held out of training."""
    kind, shape = rng.choices(_CHOICES, _WEIGHTS)[0]
    pair = shape(rng)
    source, target = pair.english, pair.italian
    both, capital, stop = STYLES[kind]
    chance = rng.random()
    if chance < both + capital or not source[0].islower():
        source, target = _capital(source), _capital(target)
    if chance < both or both + capital < chance < both + capital + stop:
        source, target = source + ".", target + "."
    return Example(source, target, kind, shape.__name__, pair.pairs)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def is_held_out_sentence(source: str) -> bool:
    """Whether this English text is one that training never sees; what is learnt by heart is never one."""
    by_heart = source.rstrip(".").lower() in _BY_HEART
    if by_heart or len(source.split()) < SHORTEST_HELD_OUT:
        return False
    return _hash(source) % SENTENCE_SHARE == 0


def has_held_out_pair(example: Example) -> bool:
    """Whether the example joins a noun and an adjective that training never joins."""
    return any(
        _hash(f"{noun}|{adjective}") % PAIR_SHARE == 0
        for noun, adjective in example.pairs
        if adjective not in AMBIGUOUS_ADJECTIVES
    )


def is_training(example: Example) -> bool:
    return not is_held_out_sentence(example.source) and not has_held_out_pair(example)


def is_new_sentence(example: Example) -> bool:
    """Held out as a sentence, though each of its noun-adjective pairs is known."""
    return is_held_out_sentence(example.source) and not has_held_out_pair(example)


def draw(seed: int, wanted: Callable[[Example], bool]) -> Iterator[Example]:
    """Endless examples that `wanted` accepts: `is_training`, `is_new_sentence` or `has_held_out_pair`."""
    rng = Random(seed)
    return filter(wanted, (generate(rng) for _ in count()))


def sample(number: int, seed: int, wanted: Callable[[Example], bool] = is_training) -> list[Example]:
    """As many different examples that `wanted` accepts."""
    found: dict[str, Example] = {}
    for example in draw(seed, wanted):
        found.setdefault(example.source, example)
        if len(found) == number:
            break
    return list(found.values())
