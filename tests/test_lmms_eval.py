"""Evaluation: the tasks beside a benchmark ask in its language, score as the papers say, and lmms-eval loads them."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cards import lmms_eval
from cards.lmms_eval_tasks import utils
from cards.publish import dataset_files
from tests.benchmark_build import ten_answers, write_benchmark

ROWS: dict[str, Any] = {
    "vqav2-eus": {
        "eu": {"validation": [
            {"question_id": 1, "question": "Zer kolore du etxeak?", "answers": ten_answers("gorria"),
             "multiple_choice_answer": "gorria"},
            {"question_id": 2, "question": "Zenbat pilota daude?", "multiple_choice_answer": "hiru",
             "answers": ten_answers("bat", "bi", "bi", "bi", "hiru")},
        ]},
        "en": {"validation": [
            {"question_id": 1, "question": "What colour is the house?", "answers": ten_answers("red"),
             "multiple_choice_answer": "red"},
            {"question_id": 2, "question": "How many balls are there?", "answers": ten_answers("1", "2", "2", "2", "3"),
             "multiple_choice_answer": "3"},
        ]},
    },
    "a-okvqa-eus": {
        language: {split: [{"question_id": split, "question": question, "choices": choices, "correct_choice_idx": 2},
                           {"question_id": "hidden", "question": question, "choices": choices,
                            "correct_choice_idx": None}]
                   for split in ("train", "validation")}
        for language, question, choices in (
            ("eu", "Zer ari da egiten?", ["jaten", "lo", "irakurtzen", "dantzan"]),
            ("en", "What are they doing?", ["eating", "sleeping", "reading", "dancing"]),
        )
    },
    "pixmo-capqa-eus": {
        "eu": {"train": [{"question": "Ba al dago etxerik?", "answer": "Bai"},
                         {"question": "Ba al dago autorik?", "answer": "ez"}]},
        "en": {"train": [{"question": "Is there a house?", "answer": "Yes"},
                         {"question": "Is there a car?", "answer": "no"}]},
    },
    "wildvision-eus": {
        "eu": {"test": [{"question_id": "w1", "instruction": "Deskribatu irudia."}]},
        "en": {"test": [{"question_id": "w1", "instruction": "Describe the image."}]},
    },
}  # fmt: skip
# The real package, in a process of its own and without a network: its evaluator runs every group with a model that
# writes the same text for every row and finds all options alike, so that the first one is its choice.
RUN = """
import json, sys
from lmms_eval.evaluator import simple_evaluate
from lmms_eval.tasks import TaskManager
text, *folders = sys.argv[1:]
manager = TaskManager(include_path=folders, include_defaults=False, model_name="dummy")
done = simple_evaluate(model="dummy", model_args="response=" + text, tasks=manager.all_groups, task_manager=manager,
                       log_samples=True, bootstrap_iters=0)
sizes = {}
for group in manager.all_groups:
    for tasks in manager.load_task_or_group(group).values():
        sizes |= {name: [image.size for image in task.doc_to_visual(task.task_docs[0])] for name, task in tasks.items()}
told = {name: {"samples": samples, "scores": done["results"][name], "sizes": sizes[name]}
        for name, samples in done["samples"].items()}
print("TOLD " + json.dumps(told, default=str))
"""


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, UPath]:
    return {
        name: write_benchmark(UPath(tmp_path_factory.mktemp("benchmarks") / name), name, rows)
        for name, rows in ROWS.items()
    }


def tasks_of(build: UPath) -> dict[str, dict[str, Any]]:
    """The tasks beside a build by file, functions as their names."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    folder = build / "dataset" / "lmms_eval"
    return {path.stem: yaml.load(path.read_text(), Loader) for path in folder.glob("*.yaml")}


def test_every_language_has_a_task_and_all_have_a_group(benchmarks: dict[str, UPath]) -> None:
    tasks = tasks_of(benchmarks["vqav2-eus"])
    assert tasks["vqav2_eus"] == {"group": "vqav2_eus", "task": ["vqav2_eus_en", "vqav2_eus_eu"]}
    assert {name: task["dataset_name"] for name, task in tasks.items() if "task" in task and name != "vqav2_eus"} == {
        "vqav2_eus_en": "en",
        "vqav2_eus_eu": "eu",
    }
    assert tasks["vqav2_eus_eu"]["process_results"] == "utils.vqa"
    assert tasks["vqav2_eus_en"]["process_results"] == "utils.vqa_english"
    assert "Erantzun" in tasks["vqav2_eus_eu"]["lmms_eval_specific_kwargs"]["default"]["post_prompt"]


def test_a_benchmark_of_several_splits_has_a_task_for_each(benchmarks: dict[str, UPath]) -> None:
    assert set(tasks_of(benchmarks["a-okvqa-eus"])) == {
        "a_okvqa_eus",
        *(f"a_okvqa_eus_{language}_{split}" for language in ("eu", "en") for split in ("train", "validation")),
    }


def test_tasks_are_published_with_the_dataset_and_what_python_leaves_beside_them_is_not(
    benchmarks: dict[str, UPath],
) -> None:
    build = benchmarks["wildvision-eus"]
    (build / "dataset" / "lmms_eval" / "__pycache__").mkdir(exist_ok=True)
    (build / "dataset" / "lmms_eval" / "__pycache__" / "utils.cpython-311.pyc").write_bytes(b"\0")
    published = {file.path for file in dataset_files(build) if file.path.startswith("lmms_eval")}
    assert published == {f"lmms_eval/{name}" for name in (
        "utils.py", "wildvision_eus.yaml", "wildvision_eus_en.yaml", "wildvision_eus_eu.yaml"
    )}  # fmt: skip
    assert "--tasks wildvision_eus" in (build / "dataset" / "README.md").read_text()


def test_no_task_is_made_without_images_nor_for_an_unknown_benchmark() -> None:
    assert lmms_eval.lmms_eval_tasks("vqav2", "vqav2_eus", (), ()) == {}
    with pytest.raises(ValueError, match="'vqa', expected one of a_okvqa, pixmo_capqa, vqav2, wildvision"):
        lmms_eval.lmms_eval_tasks("vqa", "vqa", (), ())


@pytest.mark.parametrize(("agree", "score"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_an_answer_scores_by_how_many_people_gave_it(agree: int, score: float) -> None:
    right = [True] * agree + [False] * (10 - agree)
    assert utils.vqa_score(right) == pytest.approx(score)


@given(st.lists(st.booleans(), min_size=10, max_size=10))
def test_agreement_never_lowers_a_score(right: list[bool]) -> None:
    assert utils.vqa_score(right) <= utils.vqa_score([*sorted(right, reverse=True)[:9], True]) <= 1


@pytest.mark.parametrize(
    ("output", "inclusion", "accuracy"),
    [
        ("gorria", 1.0, 1.0),
        ("Gorria.", 1.0, 1.0),
        ("Etxea gorria da.", 1.0, 0.0),
        ("gorriak", 0.0, 0.0),  # inflected: another word
        ("urdina", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_inclusion_finds_an_answer_within_a_sentence_and_accuracy_does_not(
    output: str, inclusion: float, accuracy: float
) -> None:
    scores = utils.vqa({"answers": ten_answers("gorria")}, [output])
    assert scores == {"vqa_inclusion": pytest.approx(inclusion), "vqa_accuracy": pytest.approx(accuracy)}


def test_an_answer_of_several_words_is_included_when_they_stand_together() -> None:
    doc = {"answers": ten_answers("teniseko pilota")}
    assert utils.vqa(doc, ["Hau teniseko pilota bat da"])["vqa_inclusion"] == 1
    assert utils.vqa(doc, ["Pilota hau ez da teniseko"])["vqa_inclusion"] == 0


def test_no_english_table_touches_basque() -> None:
    assert utils.normal("a bi The") == "a bi the"  # English articles would go
    assert utils.normal("2,000 etxe.") == "2000 etxe"


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_stands_before_and_after_an_answer_it_is_included(before: str, after: str) -> None:
    said = utils.words(f"{before} bi txakur {after}")
    assert utils.contains(said, utils.words("Bi txakur!"))
    assert not utils.contains(said, [])


@pytest.mark.parametrize(
    ("results", "choice"),
    [
        ([(0.9, False), (0.2, True)], 1),
        (["(0.9, False)", "(0.2, True)"], 1),  # as the evaluator of 0.7.3 gives them
        (["(nan, False)", "(7.5, False)", "(8.5, False)"], 1),
        (["(-0.5, False)", "(1e-05, False)"], 0),
    ],
)
def test_the_likeliest_option_has_the_smallest_loss(results: list[Any], choice: int) -> None:
    assert utils.likeliest(results) == choice


def test_an_answer_that_is_neither_yes_nor_no_is_named() -> None:
    assert [utils.yes_or_no({"answer": answer}) for answer in ("Bai", "Yes.", "ez", "No")] == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="row r7: the answer is 'agian', neither yes nor no"):
        utils.yes_or_no({"id": "r7", "answer": "agian"})


@pytest.fixture(scope="module")
def told(benchmarks: dict[str, UPath], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What lmms-eval says of the tasks of all four."""
    if find_spec("lmms_eval") is None:
        pytest.skip("lmms-eval is not installed: with it, its own code loads and scores the tasks")
    cache = tmp_path_factory.mktemp("cache")
    offline = {"HF_HOME": str(cache), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    folders = [str(build / "dataset" / "lmms_eval") for build in benchmarks.values()]
    done = subprocess.run(
        [sys.executable, "-c", RUN, "Bi etxe gorri", *folders],
        env=os.environ | offline, cwd=cache, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    found: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return found


def test_lmms_eval_shows_its_model_the_image(told: dict[str, Any]) -> None:
    assert [task["sizes"] for task in told.values()] == [[[640, 420]]] * len(told)


def test_lmms_eval_asks_in_the_language_of_the_task(told: dict[str, Any]) -> None:
    asked = {name: task["samples"][0]["arguments"][0] for name, task in told.items()}
    assert asked["vqav2_eus_eu"] == (
        "Zer kolore du etxeak?\nErantzun galderari hitz bakar bat edo esaldi labur bat erabiliz."
    )
    assert asked["vqav2_eus_en"] == ("What colour is the house?\nAnswer the question using a single word or phrase.")
    assert asked["pixmo_capqa_eus_eu"] == "Ba al dago etxerik?\nErantzun galderari bai edo ez esanez."
    assert asked["wildvision_eus_eu"] == "Deskribatu irudia."


def test_lmms_eval_scores_answers(told: dict[str, Any]) -> None:
    scores = told["vqav2_eus_eu"]["scores"]
    assert scores["vqa_inclusion,none"] == pytest.approx((0 + 0.9) / 2)  # "Bi etxe" holds "bi", which three people said
    assert scores["vqa_accuracy,none"] == 0
    assert told["vqav2_eus_en"]["scores"]["vqa_inclusion,none"] == 0
    assert told["wildvision_eus_en"]["scores"]["answered,none"] == 1


def test_lmms_eval_chooses_by_likelihood_among_the_options(told: dict[str, Any]) -> None:
    basque = told["a_okvqa_eus_eu_train"]
    assert [said for said in basque["samples"][0]["arguments"] if str(said).startswith(" ")] == [
        " jaten", " lo", " irakurtzen", " dantzan",
    ]  # fmt: skip
    assert basque["scores"]["acc,none"] == 0  # the third is right
    assert len(basque["samples"]) == 1  # the row whose right option upstream hides is left out
    assert told["pixmo_capqa_eus_eu"]["scores"]["acc,none"] == 0.5
    assert told["pixmo_capqa_eus_en"]["samples"][1]["target"] == 1
