"""Filters that ask a model of their own: what rules cannot see, such as a fluent translation of something else.

Off unless asked for, since each costs a pass of a model over every pair. A model is loaded once a process, when the
first pair needs it, and takes pairs in batches; each distinct text or pair goes through it once a call.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import inf
from typing import Any, ClassVar, Literal

from validation.filters.contract import Filter, Pair
from validation.filters.texts import SPAN, WORD

BATCH = 64
TranslateBack = Callable[[Sequence[str]], Sequence[str | None]]


@dataclass(frozen=True)
class ModelFilter(Filter):
    """A filter that measures in batches, with packages of the extra `semantic`."""

    has_model: ClassVar[bool] = True
    refuses: ClassVar[Literal["high", "low", "both"]] = "low"
    packages: ClassVar[tuple[str, ...]] = ("sentence_transformers",)

    def measure(self, pair: Pair) -> float | None:
        return self.measure_all([pair])[0]

    def measure_all(self, pairs: Sequence[Pair]) -> list[float | None]:
        texts = [_texts(pair) for pair in pairs]
        asked = list(dict.fromkeys(both for both in texts if both is not None))
        figures = dict(zip(asked, self.measure_texts(asked), strict=True)) if asked else {}
        return [figures[both] if both is not None else None for both in texts]

    @abstractmethod
    def measure_texts(self, texts: Sequence[tuple[str, str]]) -> list[float | None]:
        """The figure of each (source, target)."""

    def problem(self) -> str | None:
        missing = [package for package in self.packages if find_spec(package) is None]
        if not missing:
            return None
        return f"filter {self.name} needs {' and '.join(missing)}: pip install 'babelvision[semantic]'"


@dataclass(frozen=True)
class Similarity(ModelFilter):
    """A target that says something else than its source.

    Figure: the cosine of the embeddings of the two texts by a sentence-transformers model that knows both languages,
    by default LaBSE (https://arxiv.org/abs/2007.01852), which mined translations at 0.6. Sources of fewer than
    `min_words` words are measured and pass. `model`: a Hub name, `name@revision`, or a folder.
    """

    name: ClassVar[str] = "similarity_v1"
    model: str = "sentence-transformers/LaBSE"
    min_cosine: float = 0.6
    min_words: int = 3

    def measure_texts(self, texts: Sequence[tuple[str, str]]) -> list[float | None]:
        distinct = list(dict.fromkeys(text for both in texts for text in both))
        made = _embedder(self.model).encode(
            distinct, batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        place = {text: made[index] for index, text in enumerate(distinct)}
        return [float(place[source] @ place[target]) for source, target in texts]

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return (self.min_cosine if _words(pair.source) >= self.min_words else -inf), inf

    def load(self) -> None:
        _embedder(self.model)


@dataclass(frozen=True)
class QualityEstimation(ModelFilter):
    """A translation of low quality, as a model that learned from human judgements sees it.

    Figure: what a sentence-transformers `CrossEncoder` with one output gives for (source, target). Models differ in
    scale, so that none is refused by default: choose `min_quality` with `python -m validation filters tune`.
    `model`: a Hub name, `name@revision`, or a folder.
    """

    name: ClassVar[str] = "quality_estimation_v1"
    model: str = ""
    min_quality: float = -inf

    def measure_texts(self, texts: Sequence[tuple[str, str]]) -> list[float | None]:
        scores = _judge(self.model).predict(list(texts), batch_size=BATCH, show_progress_bar=False)
        if scores.size != len(texts):
            raise ValueError(f"{self.model} gives {scores.size // len(texts)} figures a pair; expected one output")
        return [float(score) for score in scores.reshape(-1)]

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return self.min_quality, inf

    def load(self) -> None:
        _judge(self.model)


@dataclass(frozen=True)
class BackTranslation(ModelFilter):
    """A target that, translated back, is not the source any more.

    Figure: chrF (0 to 100; https://aclanthology.org/W15-3049, by sacrebleu) of what `translate_back` makes of the
    target, against the source. No threshold is published; paraphrases stay above 30 and other sentences below, so
    calibrate it on the translator's own output. Sources of fewer than `min_words` words are measured and pass. A
    target that cannot be translated back is not measured.
    """

    name: ClassVar[str] = "back_translation_v1"
    packages: ClassVar[tuple[str, ...]] = ("sacrebleu",)
    translate_back: TranslateBack | None = None
    min_chrf: float = 30.0
    min_words: int = 4

    def measure_texts(self, texts: Sequence[tuple[str, str]]) -> list[float | None]:
        from sacrebleu import sentence_chrf

        assert self.translate_back, "back_translation_v1 needs translate_back: targets in, sources out"
        targets = list(dict.fromkeys(target for _, target in texts))
        made = self.translate_back(targets)
        if len(made) != len(targets):
            raise ValueError(f"translate_back was given {len(targets)} texts and returned {len(made)}")
        back = dict(zip(targets, made, strict=True))
        return [
            None if (said := back[target]) is None else float(sentence_chrf(said, [source]).score)
            for source, target in texts
        ]

    def bounds(self, pair: Pair) -> tuple[float, float]:
        return (self.min_chrf if _words(pair.source) >= self.min_words else 0), 100

    def load(self) -> None:
        if self.translate_back:
            self.translate_back([])


def optional_filters(
    similarity: str = "", quality_estimation: str = "", translate_back: TranslateBack | None = None
) -> Iterable[Filter]:
    """The filters whose model was given, with their default thresholds."""
    if similarity:
        yield Similarity(similarity)
    if quality_estimation:
        yield QualityEstimation(quality_estimation)
    if translate_back:
        yield BackTranslation(translate_back)


def _texts(pair: Pair) -> tuple[str, str] | None:
    """Source and target without spans; None where either says nothing."""
    source, target = (" ".join(SPAN.sub(" ", text).split()) for text in (pair.source, pair.target))
    said = all(any(map(str.isalpha, text)) for text in (source, target))
    return (source, target) if said else None


def _words(text: str) -> int:
    return len(WORD.findall(text))


@cache
def _embedder(model: str) -> Any:
    from sentence_transformers import SentenceTransformer

    name, _, revision = model.partition("@")
    return SentenceTransformer(name, revision=revision or None)


@cache
def _judge(model: str) -> Any:
    from sentence_transformers import CrossEncoder

    name, _, revision = model.partition("@")
    return CrossEncoder(name, revision=revision or None)
