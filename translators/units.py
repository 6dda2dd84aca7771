"""The words of this package: a translation unit, a translation, and what a translator promises.

A translator maps texts to texts and says how sure it is; it never sees rows, files or Ray.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

By = Literal["machine", "human"]


class TranslatorError(Exception):
    """The translator itself cannot work (no model, no memory, a dead server): no unit's fault."""


class TranslatorDied(TranslatorError):
    """The translator broke down at work, perhaps because of what it was given: a new process may go on."""


@dataclass(frozen=True)
class Unit:
    """The smallest piece that must be translated together.

    `kind` is the field's kind ("question", "option", "caption"): the same word in another kind may be
    translated otherwise. `texts` are the unit's texts in order.
    """

    kind: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Translation:
    """What became of a unit: one target text a source text, or an error.

    `score` is the mean log-probability a token (0 is certain), or None where the model does not say.
    `note` is what the translator says against its own work; a filter decides what to make of it. `by` is who said it:
    a human where people, who corrected it once, said every piece that was asked for. Who corrects one of several texts
    that are translated together says all of them: they were read together, and the others left as they stood.
    """

    texts: tuple[str, ...]
    score: float | None = None
    note: str | None = None
    error: str | None = None
    by: By = "machine"


@runtime_checkable
class Translator(Protocol):
    """Anything that translates.

    `name`, `revision` and `settings` (decoding, prompt, languages: everything that changes the output) make
    the key of the translation memory. `together` says whether a unit of several texts goes through the model
    as one; if not, it is taken apart into the sentences of its texts, `source` being their language (ISO 639),
    and each is remembered by itself. `warning` is what every card and report must say about this translator.
    `translate` may be called from several threads at once. A translator may also have `into(target)`: the same model,
    loaded once, for another target language.
    """

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, str]: ...
    @property
    def together(self) -> bool: ...
    @property
    def source(self) -> str: ...
    @property
    def warning(self) -> str | None: ...

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        """One translation a unit, in the same order. Raises `TranslatorError` when it cannot work at all."""
        ...

    def count_tokens(self, units: Sequence[Unit]) -> int:
        """Tokens of these units' sources as the model counts them; loads no model."""
        ...
