"""Judgements come back: whatever a file holds, what is kept is right, or nothing is kept and the message says why."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judged_round import ITEMS, TEXTS, export, item_id, judgement, make_round, save
from validation.annotation import judgements, received
from validation.annotation.judgements import import_files
from validation.annotation.package import LABELS, REASONS
from validation.annotation.problem import Problem
from validation.annotation.rounds import Round

ROOT = Path(__file__).resolve().parents[1]
IT_0, IT_1 = item_id("ane", 0), item_id("ane", 1)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["format", "judgements", "data", "annotations", "label", "result"]) | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
SAID = st.fixed_dictionaries(
    {"label": st.sampled_from(["accept", "unsure"]), "comment": st.text(max_size=5), "ms": st.integers(0, 10**6)}
) | st.fixed_dictionaries(
    {
        "label": st.just("reject"),
        "reasons": st.lists(st.sampled_from(REASONS), unique=True),
        "corrections": st.dictionaries(st.sampled_from(["question", "answer"]), st.text(max_size=5)),
    }
)
HISTORY = st.lists(
    st.tuples(st.sampled_from(["ane", "jon"]), st.integers(0, ITEMS - 1), st.integers(0, 20), SAID),
    unique_by=lambda said: said[:3],
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A build with a round, for properties that leave it as it was."""
    out = tmp_path_factory.mktemp("build")
    make_round(out)
    return out


def kept(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "validation/round-1/judgements").glob("*"))}


def problem(out: Path, *files: Path, annotator: str = "") -> str:
    """What the import says when it refuses; it must have left everything as it was."""
    before = kept(out)
    with pytest.raises(Problem) as raised:
        import_files(out, files, annotator)
    assert kept(out) == before
    return str(raised.value)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in a JSON value."""
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from nodes(value[key], (*path, key))


@given(JSON)
def test_any_json_is_refused_in_words(anywhere: Path, value: Any) -> None:
    assert problem(anywhere, save(anywhere / "any.json", value))


@given(st.binary(max_size=200), st.sampled_from([".json", ".jsonl", ".csv", ".txt"]))
def test_any_bytes_are_refused_in_words(anywhere: Path, data: bytes, suffix: str) -> None:
    path = anywhere / f"any{suffix}"
    path.write_bytes(data)
    assert problem(anywhere, path)


@given(st.data(), JSON)
def test_a_file_with_anything_in_any_place_is_taken_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: Any
) -> None:
    out = tmp_path_factory.mktemp("build")
    made = make_round(out)
    content: dict[str, Any] = export([judgement(IT_0), judgement(IT_1, 3, "reject", reasons=["meaning"])])
    *above, last = data.draw(st.sampled_from(list(nodes(content))[1:]))
    inner: Any = content
    for key in above:
        inner = inner[key]
    inner[last] = value
    try:
        import_files(out, [save(out / "any.json", content)])
    except Problem as problem:
        said = str(problem)
    else:
        said = ""
    assert "any.json: " in said if said else all(each.label in LABELS["accept"] for each in made.judgements("ane"))
    assert not (said and kept(out))


@settings(max_examples=40)
@given(HISTORY, st.randoms(use_true_random=False))
def test_what_is_kept_depends_neither_on_the_order_of_files_nor_on_how_they_are_cut(
    tmp_path_factory: pytest.TempPathFactory, history: list[Any], chance: random.Random
) -> None:
    def imported(at_once: bool) -> dict[str, bytes]:
        out = tmp_path_factory.mktemp("build")
        make_round(out)
        rest = list(history)
        chance.shuffle(rest)
        files = []
        while rest:  # a file: judgements of one annotator, each item once
            name, judged = rest[0][0], {}
            for said in [each for each in rest if each[0] == name][: chance.randint(1, 4)]:
                if judged.setdefault(said[1], said) is said:
                    rest.remove(said)
            entries = [judgement(item_id(name, item), at, **said) for _, item, at, said in judged.values()]
            files.append(save(out / f"in/{len(files)}.json", export(entries, name)))
        for each in [files] if at_once else [[file] for file in [*files, *files]]:
            import_files(out, each)
        return kept(out)

    once = imported(True)
    assert once == imported(False)
    newest = {said[:2]: said for said in sorted(history, key=lambda said: said[2])}
    labels = {each["item_id"]: each["label"] for content in once.values() for each in json.loads(content)["judgements"]}
    assert labels == {item_id(*key): said[3]["label"] for key, said in newest.items()}


def test_what_is_kept_is_what_was_said(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    comment = "bai \u202e\x07 <img src=x onerror=alert(1)> =1+1\r\n" + "x" * 3900
    said = judgement(
        IT_0,
        9,
        "reject",
        reasons=["other", "meaning"],
        comment=comment,
        corrections={"answer": "Katua.", "question": " "},
    )
    unchanged = {"answer": TEXTS[1].target, "question": TEXTS[0].target.replace("\r\n", "\n")}
    again = judgement(IT_1, corrections=unchanged, at="2026-02-01T00:00:00+00:00")
    del again["reasons"], again["comment"], again["ms"]
    import_files(tmp_path, [save(tmp_path / "ane.json", export([said, again]))])
    first, second = made.judgements("ane")
    assert (first.label, first.reasons, first.comment, first.ms) == ("reject", ("meaning", "other"), comment, 4176)
    assert first.corrections == {"answer": "Katua."}
    assert first.at == "2026-02-01T00:00:09.250Z"
    assert (second.corrections, second.comment, second.ms, second.at) == (None, "", 0, "2026-02-01T00:00:00.000Z")


def test_the_newest_is_kept_and_the_counts_say_what_happened(tmp_path: Path) -> None:
    make_round(tmp_path)
    first = save(tmp_path / "1.json", export([judgement(IT_0, 1), judgement(IT_1, 1)]))
    later = save(tmp_path / "2.json", export([judgement(IT_0, 5, "reject"), judgement(item_id("ane", 2), 5)]))
    ane, jon = import_files(tmp_path, [first])
    assert (ane.new, ane.changed, ane.unchanged, ane.missing) == (2, 0, 0, ITEMS - 2)
    assert (jon.annotator, jon.new, jon.missing) == ("jon", 0, ITEMS)
    ane, _ = import_files(tmp_path, [later])
    assert (ane.new, ane.changed, ane.unchanged, ane.missing) == (1, 1, 0, ITEMS - 3)
    before = kept(tmp_path)
    ane, _ = import_files(tmp_path, [first, later])
    assert (ane.new, ane.changed, ane.unchanged, ane.older) == (0, 0, 3, 0)
    ane, _ = import_files(tmp_path, [first])
    assert (ane.new, ane.changed, ane.unchanged, ane.older) == (0, 0, 1, 1)
    assert kept(tmp_path) == before


def test_the_same_judgement_after_more_time_is_the_same_and_another_is_told_with_both_files(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    import_files(tmp_path, [save(tmp_path / "1.json", export([judgement(IT_0, 1, ms=10)]))])
    ane, _ = import_files(tmp_path, [save(tmp_path / "2.json", export([judgement(IT_0, 1, ms=90)]))])
    assert (ane.changed, ane.unchanged) == (0, 1)
    assert made.judgements("ane")[0].ms == 90
    other = save(tmp_path / "3.json", export([judgement(IT_0, 1, "reject")]))
    said = problem(tmp_path, other)
    assert str(other) in said
    assert str(made.judgements_path("ane")) in said
    fourth = save(tmp_path / "4.json", export([judgement(IT_0, 1, "unsure")]))
    assert f"{other} and {fourth} judge it differently" in problem(tmp_path, other, fourth)


def test_one_bad_file_among_good_ones_stops_all(tmp_path: Path) -> None:
    make_round(tmp_path)
    save(tmp_path / "in/ane.json", export([judgement(IT_0)]))
    bad = [judgement(item_id("jon", number), label="ok") for number in range(ITEMS)] + [
        judgement(f"x{n}") for n in range(9)
    ]
    save(tmp_path / "in/jon.json", export(bad, "jon"))
    said = problem(tmp_path, tmp_path / "in")
    assert said.count("label: 'ok'") == ITEMS
    assert said.splitlines()[-1].endswith("jon.json: and more")
    assert len(said.splitlines()) == 1 + judgements.MOST_TOLD + 1
    assert "ane.json" not in said
    assert not kept(tmp_path)


AHEAD = datetime.now(UTC) + timedelta(days=2)
HOSTILE: list[tuple[Any, str]] = [
    ({"format": "vlm-annotations/2"}, "format: 'vlm-annotations/2'; 'vlm-annotations/1' is expected"),
    ({"format": "vlm-package/1"}, "format: 'vlm-package/1'"),
    ({"package_id": "round-9.ane"}, "package_id: 'round-9.ane' is no package of this build"),
    ({"package_id": ["round-1.ane"]}, "package_id: ['round-1.ane']; a text is expected"),
    ({"package_id": "round-1.jon"}, "package_sha256: 'ane-sha256'; jon-sha256 is expected"),
    ({"package_sha256": "0" * 64}, "ane-sha256 is expected"),
    ({"annotator": "jon"}, "annotator: 'jon'; round-1.ane was made for ane: the file was edited"),
    ({"annotator": "../../x"}, "annotator: '../../x'"),
    ({"judgements": {}}, "judgements: {}; a list is expected"),
    ({"judgements": [None]}, "judgement 1: None; an object is expected"),
    ({"judgements": [judgement(IT_0), judgement(IT_0, 5)]}, f"item '{IT_0}': judged 2 times in one file"),
    ({"judgements": [{"label": "accept", "at": "2026-02-01T00:00:00Z"}]}, "judgement 1: item_id: it is missing"),
    ({"item_id": item_id("jon", 0)}, "round-1.ane has no such item"),
    ({"label": "left"}, "label: 'left'; one of accept, reject, unsure is expected"),
    ({"label": None}, "label: None; a text is expected"),
    ({"label": "Accept"}, "label: 'Accept'"),
    ({"reasons": ["meaning"]}, "only a rejected item has reasons"),
    ({"label": "reject", "reasons": ["bad"]}, "reasons: 'bad'; each is one of meaning"),
    ({"label": "reject", "reasons": ["meaning", "meaning"]}, "reasons: meaning is given 2 times"),
    ({"label": "reject", "reasons": "meaning"}, "reasons: 'meaning'; a list of texts is expected"),
    ({"comment": "x" * 4001}, "comment: 4,001 characters; 4,000 at most"),
    ({"comment": 3}, "comment: 3; a text is expected"),
    ({"comment": "\ud800"}, "comment: '\\ud800' holds half a surrogate pair"),
    ({"corrections": {"answer": "x" * 20001}}, "corrections: answer: 20,001 characters"),
    ({"corrections": {"answer": "a\udc00"}}, "corrections: answer: 'a\\udc00' holds half a surrogate pair"),
    ({"corrections": {"caption": "x"}}, "the row has no field 'caption'; it has question, answer"),
    ({"corrections": {"answer": ["x"]}}, "corrections: {'answer': ['x']}; an object of texts, or null, is expected"),
    ({"ms": -1}, "ms: -1; a number from 0"),
    ({"ms": True}, "ms: True; a whole number"),
    ({"ms": 1.5}, "ms: 1.5; a whole number"),
    ({"ms": 10**12}, "ms: 1000000000000; a number from 0"),
    ({"ms": "4176"}, "ms: '4176'; a whole number"),
    ({"at": ""}, "at: ''; a time in UTC"),
    ({"at": "2026-02-01T00:00:00"}, "a time in UTC"),
    ({"at": "2026-02-01T00:00:00+02:00"}, "a time in UTC"),
    ({"at": "2026-02-31T00:00:00Z"}, "a time in UTC"),
    ({"at": "0000-01-01T00:00:00Z"}, "a time in UTC"),
    ({"at": AHEAD.isoformat()}, "set that clock right, open the page and export again"),
    ({"correction": {"answer": "x"}}, "'correction' is no field of a judgement"),
    ({"label\x1b[31m": 1}, "'label\\x1b[31m' is no field"),
]


@pytest.mark.parametrize(("change", "expected"), HOSTILE, ids=[expected[:40] for _, expected in HOSTILE])
def test_a_file_that_is_not_right_is_told(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    make_round(tmp_path)
    whole = export([judgement(IT_0)])
    value = whole | change if change.keys() <= whole.keys() else export([judgement(IT_0) | change])
    said = problem(tmp_path, save(tmp_path / "ane.json", value))
    assert "ane.json: " in said
    assert expected in said
    assert "\x1b" not in said


GOOD = json.dumps(export([judgement(IT_0)]))
FILES: list[tuple[str, bytes, str]] = [
    ("ane.json", b"", "neither JSON nor a CSV table"),
    ("ane.json", GOOD[:-9].encode(), "not JSON"),
    ("ane.json", GOOD.replace('"accept",', '"accept", "label": "reject",').encode(), "twice"),
    ("ane.json", GOOD.replace("4176", "NaN").encode(), "NaN is no number"),
    ("ane.json", GOOD.replace("4176", "1e400").encode(), "ms: inf"),
    ("ane.json", GOOD.replace("4176", "9" * 5000).encode(), "not JSON"),
    ("ane.json", b'{"a":' * 100_000, "not JSON"),
    ("ane.json", b"[" * 100_000, "not JSON"),
    ("ane.json", GOOD.encode("utf-16"), "ane.json"),
    ("ane.json", GOOD.replace("ane-it", "ane-\xe9").encode("latin-1"), "UTF-8"),
    ("ane.html", b"<!doctype html><title>page</title>", "this is a page"),
    ("ane.xlsx", b"PK\x03\x04", "save the table as CSV"),
    ("ane.png", b"\x89PNG\r\n", "neither JSON nor a CSV table"),
]


@pytest.mark.parametrize(("name", "data", "expected"), FILES, ids=[f"{n} {e}" for n, _, e in FILES])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    make_round(tmp_path)
    (tmp_path / name).write_bytes(data)
    said = problem(tmp_path, tmp_path / name)
    assert f"{tmp_path / name}: " in said
    assert expected in said


def test_a_byte_order_mark_and_another_ending_do_not_matter(tmp_path: Path) -> None:
    make_round(tmp_path)
    (tmp_path / "ane.json.txt").write_bytes(b"\xef\xbb\xbf\r\n" + GOOD.encode())
    assert import_files(tmp_path, [tmp_path / "ane.json.txt"])[0].new == 1


def test_no_file_is_read_that_is_too_large_or_that_never_ends(tmp_path: Path) -> None:
    make_round(tmp_path)
    large = tmp_path / "large.json"
    large.write_text(GOOD)
    os.truncate(large, received.MOST_BYTES + 1)
    os.mkfifo(tmp_path / "pipe.json")
    assert "20,971,521 bytes" in problem(tmp_path, large)
    assert "not a regular file" in problem(tmp_path, tmp_path / "pipe.json")
    assert "not a regular file" in problem(tmp_path, Path("/dev/zero"))


def test_a_pair_takes_its_own_labels_and_no_corrections(tmp_path: Path) -> None:
    made = make_round(tmp_path, task="pair")
    import_files(tmp_path, [save(tmp_path / "1.json", export([judgement(IT_0, label="tie", comment="hm")]))])
    assert made.judgements("ane")[0].label == "tie"
    said = problem(tmp_path, save(tmp_path / "2.json", export([judgement(IT_0, 4, corrections={"answer": "x"})])))
    assert "one of left, tie, right is expected" in said
    assert "a comparison of two answers has none" in said


def test_a_round_that_was_copied_is_told_and_other_rounds_are_left_alone(tmp_path: Path) -> None:
    first, second = make_round(tmp_path), make_round(tmp_path, name="round-2")
    (standing, *_) = import_files(tmp_path, [save(tmp_path / "1.json", export([judgement(IT_0)]))])
    assert standing.round == "round-1"
    assert len(first.judgements("ane")) == 1
    assert second.judgements("ane") == ()
    copy = Round(tmp_path / "validation/copy")
    copy.write_plan(first.plan())
    assert "in several rounds" in problem(tmp_path, tmp_path / "1.json")


def test_a_build_without_a_round_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="holds no round"):
        import_files(tmp_path, [save(tmp_path / "1.json", export([]))])


def test_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    made = make_round(tmp_path)
    import_files(tmp_path, [save(tmp_path / "1.json", export([judgement(IT_0, 1)]))])
    before = made.judgements_path("ane").read_bytes()
    later = save(tmp_path / "2.json", export([judgement(IT_0, 9, "reject")]))
    killed = (
        "import os, pathlib, signal, sys\n"
        "pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from validation.annotation.judgements import import_files\n"
        "import_files(pathlib.Path(sys.argv[1]), [pathlib.Path(sys.argv[2])])\n"
    )
    ran = subprocess.run([sys.executable, "-c", killed, tmp_path, later], cwd=ROOT, timeout=60)
    assert ran.returncode == -signal.SIGKILL
    assert made.judgements_path("ane").read_bytes() == before
    assert import_files(tmp_path, [later])[0].changed == 1


def test_a_second_import_waits_for_the_first_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_round(tmp_path)
    first, second = (
        save(tmp_path / f"{number}.json", export([judgement(item_id("ane", number))])) for number in range(2)
    )
    import_files(tmp_path, [first])
    one = made.judgements_path("ane").read_bytes()
    made.judgements_path("ane").unlink()
    other = threading.Thread(target=import_files, args=(tmp_path, [second]))
    with FileLock(tmp_path / "validation/.import.lock"):
        other.start()
        time.sleep(0.5)  # as long as another import, which has read the store, takes to write it
        made.judgements_path("ane").write_bytes(one)
    other.join(60)
    assert {each.item_id for each in made.judgements("ane")} == {IT_0, IT_1}
    monkeypatch.setattr(judgements, "WAIT_SECONDS", 0)
    with FileLock(tmp_path / "validation/.import.lock"):
        assert "another import" in problem(tmp_path, second)
