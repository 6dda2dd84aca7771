"""What the card says of human judgements: the figures that came back, nobody's name, and nothing of another build."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from upath import UPath

from cards.build import read_build
from cards.card import load_card, write_card
from cards.gate import refusals
from cards.judged import judged
from cards.report import write_report
from cards.validation import read_validation
from tests.sample_build import (
    FINGERPRINT,
    HOSTILE,
    figure,
    one_image,
    sample_pairs,
    sample_round,
    write_agreement,
    write_sample_build,
)

CARD = load_card("multiinstruct-it")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def build(tmp_path: Path) -> UPath:
    return write_sample_build(UPath(tmp_path / "out"), rows=10, paint=one_image)


def card_of(build: UPath, *rounds: dict[str, Any]) -> str:
    if rounds:
        write_agreement(build, *rounds)
    return write_card(build, CARD).read_text(encoding="utf-8")


def with_figure(name: str, **changes: Any) -> dict[str, Any]:
    raw = sample_round()
    raw["figures"][name] |= changes
    return raw


def test_a_build_that_nobody_judged_says_so(build: UPath) -> None:
    text = card_of(build)
    assert "| Human validation | No human judgement of these rows is recorded with this build. |" in text
    assert "## Human validation" not in text


def test_every_figure_has_its_n_and_interval_or_says_why_not(build: UPath) -> None:
    text = card_of(build, sample_round())
    sentence = "4 annotators judged a sample of 40 rows, drawn from 60, and accepted 34: "
    sentence += "85 % (95 % interval 70.9 to 92.9 %)."
    assert f"| Human validation | {sentence} |" in text
    assert f"- The text is machine-translated. {sentence}" in text
    assert "8 of the rows were for all of them to judge" in text
    assert "| acceptance, rows | 85 % | 70.9 to 92.9 % | 40 rows | Rows accepted by majority" in text
    assert "| acceptance, judgements | 85.5 % | 75.0 to 94.0 % | 62 judgements |" in text
    assert "| agreement: pairwise | 0.875 |" in text
    assert "| agreement: Fleiss’ kappa | −0.040 | −0.110 to 0.200 | 8 rows |" in text
    assert "| agreement: Krippendorff’s alpha | undefined |  | 8 rows | Undefined here: all labels are equal. |" in text
    assert "Of 62 judgements (64 were planned), 53 were to accept, 7 to reject" in text
    assert "`meaning` 5, `grammar` 2" in text
    assert "| `VG_selection` | 10 | 15 | 80 % | 49.0 to 94.0 % |" in text
    assert "An acceptance" not in text
    assert (
        "needs an acceptance of 80 % of rows, at the lower bound of the Wilson interval. It is 70.9 %: not met." in text
    )


def test_one_is_not_told_as_many(build: UPath) -> None:
    one = {"judgements": 1, "missing": 0}
    raw = with_figure("acceptance_items", value=1, n=1, low=0.2065, high=1)
    raw |= {"received": one, "labels": {"accept": 1}, "majority": {"accept": 1}, "planned": one | {"shared": 1}}
    text = card_of(build, raw)
    assert "judged a sample of 1 row, drawn from 60" in text
    assert "1 of the rows was for all of them" in text
    assert "Of 1 judgement, 1 was to accept" in text
    assert "By majority 1 row was accepted" in text


def test_no_annotator_is_named_and_no_warning_about_one_is_published(build: UPath) -> None:
    text = card_of(build, sample_round(warnings=["Zuriñe judged too fast"]))
    assert "Zuriñe" not in text
    assert not [name for name in ("ane", "jon", "miren") if f" {name} " in text or f"`{name}`" in text]


def test_hostile_text_stays_text(build: UPath) -> None:
    of = {"unit": HOSTILE, "definition": HOSTILE, "interval": HOSTILE, "undefined": HOSTILE}
    raw = sample_round(stratify=HOSTILE, received={"judgements": 3, "first": HOSTILE, "last": HOSTILE})
    raw["figures"] = {name: value | of for name, value in raw["figures"].items()}
    text = card_of(build, raw)
    assert "\u202e" not in text
    html = (
        MarkdownIt("gfm-like", {"html": True, "linkify": False})
        .render(DatasetCard(text).text)
        .replace('<img src="assets/', "")
    )
    assert not [tag for tag in ("<script", "<img", "<b onclick", 'href="http://evil') if tag in html]


def test_judgements_of_another_build_are_not_this_one_s(build: UPath) -> None:
    text = card_of(build, sample_round(fingerprint="another"))
    assert "No human judgement of these rows is recorded" in text
    assert "Judgements of another version of it are." in text
    assert "accepted 34" not in text


def test_the_newest_round_about_acceptance_counts(build: UPath) -> None:
    older = with_figure("acceptance_items", value=0.1, n=7, low=0, high=0.5)
    later = sample_round(fingerprint="another")
    nothing = sample_round(received={"judgements": 0}, figures={})
    assert "Earlier rounds" not in card_of(build, sample_round(), later, nothing)
    text = card_of(build, older | {"round": "round-0"}, sample_round(), sample_pairs(), later, nothing)
    assert "The figures are of `round-1` alone. Earlier rounds: `round-0` (10 % of 7 rows accepted)." in text
    assert "a sample of 40 rows, drawn from 60" in text
    assert "latxa" not in text


def test_many_strata_are_left_to_the_report(build: UPath) -> None:
    strata = [{"stratum": f"t{n}", "rows": 1, "judgements": 1, "acceptance": figure(1.0, 1, 0.2, 1)} for n in range(13)]
    assert "| stratum |" not in card_of(build, sample_round(strata=strata))
    assert "| stratum |" in card_of(build, sample_round(strata=strata[1:]))


def test_corrections_make_people_its_authors_too(build: UPath) -> None:
    assert DatasetCard(card_of(build, sample_round())).data.to_dict()["annotations_creators"] == ["machine-generated"]
    raw = json.loads((build / "build.json").read_text())
    raw["stages"][3]["counters"] |= {"human_corrected": 3}
    (build / "build.json").write_text(json.dumps(raw))
    text = card_of(build)
    assert "&id" not in text.split("---")[1]
    data = DatasetCard(text).data.to_dict()
    assert data["annotations_creators"] == data["language_creators"] == ["machine-generated", "expert-generated"]


def test_what_people_changed_is_told_by_when_it_was(build: UPath) -> None:
    still_there = "The rows that this round rejected are still in the dataset."
    assert still_there in card_of(build, sample_round())
    raw = json.loads((build / "build.json").read_text())
    counters = raw["stages"][3]["counters"]

    def card_after(rejected: int, corrected: int, *rounds: str) -> str:
        counters.update(human_rejected=rejected, human_corrected=corrected)
        (build / "build.json").write_text(json.dumps(raw | {"verdicts": {"sha256": "", "rounds": rounds}}))
        return card_of(build)

    text = card_after(4, 3, "round-0", "round-1")
    assert "After that, 4 of the rows judged were left out because people rejected them, and 3 texts were" in text
    assert "The figures above are of the rows as they were before." in text
    assert still_there not in text
    text = card_after(1, 1, "round-1")
    assert "1 of the rows judged was left out because people rejected it, and 1 text was replaced" in text
    text = card_after(1, 1, "round-0")
    assert "Earlier rounds had removed 1 row and replaced 1 text." in text
    assert "as they were before" not in text
    assert still_there in text


def test_figures_of_other_judgements_than_there_are_now_are_said_to_be(build: UPath) -> None:
    late = "Judgements of `round-1` came in, or were changed, after the figures were made"
    assert late in card_of(build, sample_round())
    nothing = hashlib.sha256().hexdigest()
    assert late not in card_of(build, sample_round(files_sha256=nothing))
    (build / "validation" / "round-1" / "judgements").mkdir(parents=True)
    (build / "validation" / "round-1" / "plan.json").write_bytes(b"{}")
    (build / "validation" / "round-1" / "judgements" / "ane.json").write_bytes(b"[]")
    (build / "validation" / "round-1" / "judgements" / ".ane.tmp").write_bytes(b"a part")
    found = hashlib.sha256()
    for name, content in (("judgements/ane.json", b"[]"), ("plan.json", b"{}")):
        found.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    assert late not in card_of(build, sample_round(files_sha256=found.hexdigest()))
    assert late in card_of(build, sample_round(files_sha256=nothing))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "expected a JSON object"),
        ("[]", "expected a JSON object"),
        ("[" * 100_000, "agreement.json"),
        ('{"format": "vlm-agreement/2", "rounds": []}', "expected the format vlm-agreement/1"),
        ('{"format": "vlm-agreement/1", "rounds": {}}', "a list of rounds"),
        ('{"format": "vlm-agreement/1", "rounds": [1]}', "round 1 is no JSON object"),
        (sample_round(task="trust"), "round 1 ('round-1'): task is 'trust'"),
        (sample_round(round="../../dataset"), "round 1 ('../../dataset'): expected a folder's name"),
        (sample_round(round=""), "round 1 (''): expected a folder's name"),
        (sample_round(figures={}), "figures.acceptance_items is no share"),
        (sample_round(population=-1), "population is -1, expected a count"),
        (with_figure("acceptance_items", value=0.2), "0.2 is not in its interval"),
        (with_figure("acceptance_items", n=0), "figures.acceptance_items is no share"),
        (with_figure("acceptance_judgements", value=-0.5), "figures.acceptance_judgements is no share"),
        (with_figure("fleiss", low=-4), "figures.fleiss is"),
        (with_figure("fleiss", value=10**400), "undefined"),
        (b"\xff\xfe", "expected a JSON object"),
    ],
)
def test_a_damaged_file_is_said_on_the_report_and_there_is_no_card(build: UPath, content: Any, said: str) -> None:
    if isinstance(content, dict):
        write_agreement(build, content)
    else:
        (build / "validation").mkdir()
        data = content if isinstance(content, bytes) else content.encode()
        (build / "validation" / "agreement.json").write_bytes(data)
    page = write_report(build).read_text(encoding="utf-8")
    if said == "undefined":
        assert "agreement: Fleiss’ kappa | undefined |" in card_of(build)
        return
    assert "The judgements cannot be shown: validation/agreement.json" in page
    with pytest.raises(ValueError, match="agreement.json") as raised:
        write_card(build, CARD)
    assert said in str(raised.value)
    assert "not figures as `python -m validation agree` writes them" in str(raised.value)
    assert "move it away, then run `agree --round` for each round" in str(raised.value)
    assert said in refusals(build, CARD)[0]


@given(st.sampled_from(sorted(sample_round())), JSON)
def test_a_field_that_is_anything_is_shown_or_is_a_problem(name: str, value: Any) -> None:
    out = UPath("memory://anything")
    write_agreement(out, sample_round(**{name: value}))
    (out / "build.json").write_text(json.dumps({"fingerprint": FINGERPRINT, "name": "multiinstruct-it"}))
    build = read_build(out)
    found = read_validation(out, build)
    shown = judged(found, build, 0.8, to_apply=False)
    assert shown is not None
    assert found.problem == "" or (found.accepted is None and found.problem.startswith("validation/agreement.json: "))
