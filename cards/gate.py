"""What stands against publishing a build, and what overrules it.

A dataset that is published is trained on by people who never see the build. So what they cannot know is asked here:
whether people who read the language found the rows acceptable, whether the translator was a real one, and under which
licence the rows may be used. Everything that stands against it is said at once, and most of it has a flag of its own.
"""

from collections.abc import Collection
from dataclasses import dataclass

from upath import UPath

from cards.build import read_build
from cards.card import NOT_STATED, Card
from cards.text import share
from cards.validation import Validation, has_verdicts_to_apply, lower_bound, read_validation

ALLOW_UNVALIDATED = "--allow-unvalidated"
ALLOW_DEMO_MODEL = "--allow-demo-model"
ALLOW_NO_LICENCE = "--allow-no-licence"


@dataclass(frozen=True)
class Objection:
    """Why a build is not published. `what` is a clause for the card, `mend` what to do, `flag` overrules it, if any."""

    what: str
    mend: str
    flag: str

    def __str__(self) -> str:
        overrule = f", or publish nevertheless with {self.flag}" if self.flag else ""
        return f"{self.what}. {self.mend}{overrule}"


def objections(out: UPath, card: Card) -> list[Objection]:
    """Everything that stands against publishing the build in `out` as `card` describes it; nothing when all is well.

    Raises FileNotFoundError or ValueError when `build.json` is missing or unreadable.
    """
    build = read_build(out)
    validation = read_validation(out, build)
    found = []
    if validation.problem:  # there would be no card either: no flag helps
        found.append(Objection("the judgements of its rows cannot be read", validation.problem, ""))
    elif card.acceptance:
        found += _too_little_acceptance(validation, card.acceptance)
    if validation.outdated:
        found.append(
            Objection(
                f"judgements of {', '.join(validation.outdated)} came in, or were changed, after the figures were made",
                f"Run `python -m validation agree {out} --round {validation.outdated[0]}` again"
                + (", and so for the others" if len(validation.outdated) > 1 else ""),
                ALLOW_UNVALIDATED,
            )
        )
    if has_verdicts_to_apply(out, build):
        found.append(
            Objection(
                "what people decided of its rows is not applied to them yet",
                "Run the recipe's command again",
                ALLOW_UNVALIDATED,
            )
        )
    if build.warning:
        found.append(
            Objection(
                "translated by the demo model, which knows a few hundred words",
                "Build it with a real translator, in a new --output",
                ALLOW_DEMO_MODEL,
            )
        )
    if card.licence in ("", NOT_STATED):
        found.append(
            Objection("no licence is stated", f"Write `licence` into cards/recipes/{build.card}.yaml", ALLOW_NO_LICENCE)
        )
    return found


def _too_little_acceptance(validation: Validation, needed: float) -> list[Objection]:
    why = f"the recipe needs that people accept {share(needed, 1)} of the rows"
    if validation.accepted is None:
        known = "the judgements on record are of another build" if validation.elsewhere else "no judgement is recorded"
        return [
            Objection(
                f"not validated yet ({why}, and {known})",
                "Get the judgements with `python -m validation sample`, `import` and `agree`",
                ALLOW_UNVALIDATED,
            )
        ]
    least, rate = lower_bound(validation.accepted), validation.accepted.figures["acceptance_items"]
    if least >= needed:
        return []
    return [
        Objection(
            f"accepted too rarely ({why}; of {rate.n:,} judged they accepted {share(rate.value or 0, 1)}, "
            f"which may be as little as {100 * least:.2f} %)",
            "Have more rows judged, or mend the translation and judge again",
            ALLOW_UNVALIDATED,
        )
    ]


def refusals(out: UPath, card: Card, allowed: Collection[str] = ()) -> list[str]:
    """The objections that none of the `allowed` flags overrules, each with what to do; empty: it may be published."""
    return [str(each) for each in objections(out, card) if each.flag not in allowed]


def overruled(out: UPath, card: Card, allowed: Collection[str]) -> list[str]:
    """The objections that the `allowed` flags overrule, in the words in which the published card confesses them."""
    return [each.what for each in objections(out, card) if each.flag in allowed]
