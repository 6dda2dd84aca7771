"""What a reader of a round's figures should know first, in words."""

from collections.abc import Mapping
from typing import Any

from validation.annotation.intervals import FEW_SHARED

TOO_FAST = 2.0  # active seconds on an item, below which a judgement is too fast
FEW_ROWS = 30
FAST_SHARE = 0.1
CHANCE = 0.05  # below this, chance alone does not explain it
LOW_KAPPA, HIGH_AC1, FREQUENT = 0.4, 0.6, 0.8


def cautions(found: Mapping[str, Any]) -> list[str]:
    """Warnings about the entry of a round in agreement.json, each a sentence or two."""
    if not found["received"]["judgements"]:
        return ["no judgement has come back yet"]
    checks = (_missing, _few, _gold, _fast, _monotone, _side, _paradox, _few_shared)
    return [said for check in checks for said in check(found)]


def _missing(found: Mapping[str, Any]) -> list[str]:
    missing = {each["annotator"]: each for each in found["annotators"] if each["missing"]}
    if not missing:
        return []
    who = ", ".join(f"{name} {each['missing']} of {each['planned']}" for name, each in missing.items())
    return [f"{found['received']['missing']} of {found['planned']['judgements']} judgements are not in: {who}"]


def _few(found: Mapping[str, Any]) -> list[str]:
    items = found["received"]["items"]
    return (
        [f"rows judged: {items}, fewer than {FEW_ROWS}: read the intervals, not the values"] if items < FEW_ROWS else []
    )


def _gold(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{each['annotator']} judged {each['gold']['right']} of {each['gold']['of']} gold items as they are known to be"
        for each in found["annotators"]
        if each["gold"]["right"] < each["gold"]["of"]
    ]


def _fast(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{each['annotator']} took less than {found['too_fast_seconds']:g} s for {each['too_fast']} of "
        f"{each['judgements']} judgements"
        for each in found["annotators"]
        if each["too_fast"] > FAST_SHARE * each["judgements"]
    ]


def _monotone(found: Mapping[str, Any]) -> list[str]:
    """Annotators whose labels are all equal, where the others' make that unlikely."""
    said = []
    for each in found["annotators"]:
        labels = [label for label, n in each["labels"].items() if n]
        others = found["received"]["judgements"] - each["judgements"]
        if len(labels) != 1 or not others:
            continue
        (label,) = labels
        alike = found["labels"][label] - each["judgements"]
        if (alike / others) ** each["judgements"] < CHANCE:
            said.append(
                f"{each['annotator']} gave the one label {label} {each['judgements']} times, the others in "
                f"{alike} of {others} judgements"
            )
    return said


def _side(found: Mapping[str, Any]) -> list[str]:
    share = found["figures"].get("left_share")
    if not share or share["value"] is None or share["low"] <= 0.5 <= share["high"]:
        return []
    side = "left" if share["value"] > 0.5 else "right"
    return [
        f"annotators lean to the {side}: left in {share['value']:.0%} of {share['n']} preferences "
        f"(95 % interval {share['low']:.0%} to {share['high']:.0%})"
    ]


def _paradox(found: Mapping[str, Any]) -> list[str]:
    """Feinstein and Cicchetti, "High agreement but low kappa", 1990."""
    kappa, ac1, pairwise = (found["figures"][name]["value"] for name in ("fleiss", "gwet_ac1", "agreement_pairwise"))
    frequent = max(found["labels"].values()) / found["received"]["judgements"]
    if kappa is None or kappa >= LOW_KAPPA or ac1 < HIGH_AC1 or frequent < FREQUENT:
        return []
    return [
        f"Fleiss' kappa is {kappa:.2f} though {pairwise:.0%} of pairs of judgements are equal: {frequent:.0%} of all "
        "labels are the same, so that kappa and alpha expect nearly as much agreement by chance. Read them beside "
        f"the agreement itself and AC1 ({ac1:.2f})"
    ]


def _few_shared(found: Mapping[str, Any]) -> list[str]:
    fleiss = found["figures"]["fleiss"]
    if fleiss["low"] is None or fleiss["n"] >= FEW_SHARED:
        return []
    return [
        f"rows judged by several annotators: {fleiss['n']}; with fewer than {FEW_SHARED} the intervals of kappa and "
        "alpha are narrower than 95 % where one label is frequent"
    ]
