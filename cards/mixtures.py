"""What a mixture is made of, as its build has counted it."""

from dataclasses import dataclass

from cards.build import Build
from cards.fields import count_of, list_of, mapping_of, text_of


@dataclass(frozen=True)
class Ingredient:
    """What a training set has of one dataset in one language, with images or as text alone."""

    training_set: str
    dataset: str
    language: str
    kind: str
    samples: int
    turns: int
    tokens: int


@dataclass(frozen=True)
class TrainingSets:
    """The ingredients of all training sets of a build; `paper` compares them with a paper's, if one says how many."""

    ingredients: tuple[Ingredient, ...]
    tokens_by: str
    paper: str


def training_sets(build: Build) -> TrainingSets:
    """What `mixture` in `build.json` says; nothing of a build that is no mixture."""
    ingredients = [
        Ingredient(
            name,
            text_of(item, "dataset"),
            text_of(item, "language"),
            text_of(item, "with"),
            *(count_of(item, figure) for figure in ("samples", "turns", "tokens")),
        )
        for name, its in mapping_of(build.mixture, "sets").items()
        if isinstance(its, dict)
        for item in list_of(its, "by")
        if isinstance(item, dict)
    ]
    paper = text_of(mapping_of(build.mixture, "paper"), "said")
    return TrainingSets(tuple(ingredients), text_of(build.mixture, "tokens_by"), paper)
