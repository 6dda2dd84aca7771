"""Items of a known label, and answers of two systems: what is given is checked, and no package tells."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.asked_round import ask, row, write_dataset, write_lines
from validation.__main__ import main
from validation.annotation.gold import Gold, read_gold, spoilt, unsaid
from validation.annotation.package import Text, Turn
from validation.annotation.pairs import read_pairs
from validation.annotation.pictures import Picture
from validation.annotation.problem import Problem
from validation.annotation.rows import Row


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset")
    write_dataset(out, [row(number) for number in range(60)])
    return out


# Gold


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "row-001", "label": "accept"', "line 2: not JSON"),
        ("[1]", "line 2: expected an object"),
        ('{"label": "accept"}', "line 2: field `id` is missing"),
        ('{"id": null, "label": "accept"}', "line 2: field `id` is None; expected a text"),
        ('{"id": 7, "label": "accept"}', "line 2: field `id` is 7; expected a text"),
        ('{"id": "row-001", "label": "good"}', "line 2: field `label` is 'good'; expected accept or reject"),
        ('{"id": "row-001", "label": "reject", "text": {}}', "line 2: no field `text` is known"),
        ('{"id": "row-001", "label": "reject", "texts": {"question": ""}}', "line 2: field `texts`"),
        ('{"id": "row-001", "label": "reject", "texts": ["question"]}', "line 2: field `texts`"),
        ('{"id": "row-002", "label": "reject"}', r"line 2: the row 'row-002' is in .*line 1 already"),
        (
            '{"id": "row-001", "id": "row-003", "label": "reject"}',
            "line 2: not JSON: 'id' is there twice",
        ),
        ('{"id": "row-\\ud800", "label": "reject"}', "line 2: half a surrogate pair is in it"),
        ('{"id": "row-999", "label": "reject"}', "line 2: .* has no row 'row-999'"),
        (
            '{"id": "row-001", "label": "reject", "texts": {"nono": "x"}}',
            "line 2: .*no field 'nono'; it has question, answer",
        ),
    ],
)
def test_a_gold_file_is_told_by_line_and_field(dataset: Path, tmp_path: Path, line: str, said: str):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "row-002", "label": "accept"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(Problem, match=f"gold.jsonl, {said}"):
        ask(dataset, gold=read_gold(path))


def test_gold_rows_are_everybodys_and_never_drawn(dataset: Path, tmp_path: Path):
    lines = [{"id": f"row-00{number}", "label": "reject", "texts": {"answer": "un'auto"}} for number in range(4)]
    gold = read_gold(write_lines(tmp_path / "gold.jsonl", *lines))
    planned = ask(dataset, "ane", "jon", shared=20, own=18, gold=gold)
    assert planned.unsaid == ()
    assert planned.plan.population == 56
    for assigned, package in zip(planned.plan.assignments, planned.packages, strict=True):
        found = {item.row: number for number, item in enumerate(assigned.items) if item.gold}
        assert found.keys() == {line["id"] for line in lines}
        for number in found.values():
            item = package.items[number]
            assert item.texts[1] == Text("answer", "a house", "un'auto")
            assert item.conversation[1] == Turn("gpt", "un'auto")
    with pytest.raises(Problem, match="57 rows are asked for .* 56 to draw from"):
        ask(dataset, "ane", shared=57, own=0, gold=gold)


def test_a_spoilt_text_is_spoilt_in_the_conversation_too():
    texts = (
        Text("text", "A boy sits.", "Un ragazzo è seduto."),
        Text("options.0", "no", "no"),
        Text("x", "boy", "ragazzo"),
    )
    turns = (Turn("human", "La frase «un ragazzo è seduto» è vera? Il ragazzo non nuota. no, nono"), Turn("gpt", "No"))
    made = spoilt(
        Row("r", texts, turns, (), Picture()), Gold("r", "reject", {"text": "Una nave.", "options.0": "sì"}, "")
    )
    assert [text.target for text in made.texts] == ["Una nave.", "sì", "ragazzo"]
    assert made.conversation[0].text == "La frase «Una nave» è vera? Il ragazzo non nuota. sì, nono"
    assert made.conversation[1].text == "sì"


def spoil(fields: dict[str, str], turns: list[str], **changed: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The texts and turns of a row that is spoilt, and the fields whose new text the turns do not say."""
    texts = tuple(Text(name, "x", target) for name, target in fields.items())
    row, gold = (
        Row("r", texts, tuple(Turn("x", turn) for turn in turns), (), Picture()),
        Gold("r", "reject", changed, ""),
    )
    made = spoilt(row, gold)
    return (
        {text.name: text.target for text in made.texts},
        [turn.text for turn in made.conversation],
        unsaid(made, gold),
    )


def test_an_answer_is_not_replaced_inside_the_question():
    question = "Che cosa mostra a sinistra la foto A?"
    fields = {"question": question, "options.0": "A", "options.1": "B", "answer": "A"}
    _, turns, unsaid = spoil(fields, [f"<image>\n{question}\nOpzioni: A, B", "A"], answer="Un cane")
    assert turns == [f"<image>\n{question}\nOpzioni: A, B", "Un cane"]
    assert unsaid == []
    _, turns, _ = spoil(fields, [f"<image>\n{question}\nOpzioni: A, B, a", "A"], **{"options.1": "C"})
    assert turns == [f"<image>\n{question}\nOpzioni: A, C, a", "A"]


def test_a_text_without_spaces_between_words_is_replaced():
    fields = {"question": "これは何ですか？", "answer": "白い猫です。"}
    _, turns, unsaid = spoil(fields, ["画像の質問はこれは何ですか？です", "答えは白い猫です"], answer="黒い犬です。")
    assert turns == ["画像の質問はこれは何ですか？です", "答えは黒い犬です"]
    assert unsaid == []


def test_a_new_text_that_the_conversation_does_not_say_is_told():
    assert spoil({"answer": "una casa"}, ["Che cos'è?", "una  casa"], answer="un cane")[2] == ["answer"]
    assert spoil({"answer": "una casa"}, [], answer="un cane")[2] == []


def test_the_lead_is_told_of_a_text_that_the_conversation_does_not_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_dataset(tmp_path, [row(0, conversations=[{"from": "gpt", "value": "casa"}]), row(1)])
    gold = write_lines(tmp_path / "gold.jsonl", {"id": "row-000", "label": "reject", "texts": {"answer": "un'auto"}})
    command = ["sample", str(tmp_path), "--annotators", "ane", "--shared", "1", "--own", "0", "--to", "it"]
    assert main([*command, "--gold", str(gold)]) == 0
    assert "gold.jsonl, line 1, answer: the row's conversation does not say this text" in capsys.readouterr().out


@given(st.lists(st.text("aAb .猫", min_size=1, max_size=5), min_size=1, max_size=5), st.text("aAb .猫\n", max_size=30))
@example(["a"], "A.")
def test_texts_that_stay_leave_a_conversation_as_it_is(texts: list[str], said: str):
    fields = {f"field.{number}": text for number, text in enumerate(texts)}
    assert spoil(fields, [said])[1] == [said]


# Pairs


@pytest.fixture
def answers(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "llama.jsonl", tmp_path / "latxa.jsonl"
    write_lines(first, *({"id": f"row-{number:03d}", "answer": f"A{number}", "model": "x"} for number in range(40)))
    write_lines(second, *({"id": f"row-{number:03d}", "answer": f"B{number}"} for number in reversed(range(40))))
    return first, second


def test_pairs_keep_their_sides_in_the_plan_alone(dataset: Path, answers: tuple[Path, Path]):
    planned = ask(dataset, "ane", "jon", shared=20, own=10, pairs=read_pairs(*answers))
    plan = planned.plan
    assert (plan.task, plan.systems, plan.population) == ("pair", ("llama", "latxa"), 40)
    sides = []
    for assigned, package in zip(plan.assignments, planned.packages, strict=True):
        for each, item in zip(assigned.items, package.items, strict=True):
            number = int(each.row[-3:])
            two = f"A{number}", f"B{number}"
            assert (item.left, item.right) == (two if each.left == 0 else two[::-1])
            assert [turn.speaker for turn in item.conversation] == ["human"]
            assert [text.name for text in item.texts] == ["question"]  # the dataset's own answer would help one side
        sides.append({each.row: each.left for each in assigned.items})
        assert not re.search("llama|latxa|row-0", json.dumps(package.to_json()))
    assert 15 < sum(sum(mine.values()) for mine in sides) < 45
    assert any(sides[0][each] != sides[1][each] for each in sides[0].keys() & sides[1].keys())


def test_exchanged_files_make_the_same_package_with_exchanged_answers(dataset: Path, answers: tuple[Path, Path]):
    one = ask(dataset, "ane", pairs=read_pairs(*answers)).packages[0].items
    other = ask(dataset, "ane", pairs=read_pairs(*reversed(answers))).packages[0].items
    assert [replace(item, left=item.right, right=item.left) for item in other] == list(one)


def test_answers_that_do_not_match_are_told(dataset: Path, answers: tuple[Path, Path], tmp_path: Path):
    short = write_lines(tmp_path / "short.jsonl", {"id": "row-001", "answer": "x"}, {"id": "other", "answer": "y"})
    with pytest.raises(
        Problem, match=r"39 rows are only in .*llama.jsonl \(the first is 'row-000'\), 1 rows are only in .*'other'"
    ):
        read_pairs(answers[0], short)
    unknown = write_lines(tmp_path / "unknown.jsonl", {"id": "row-001", "answer": "x"}, {"id": "other", "answer": "y"})
    with pytest.raises(Problem, match="1 answers are to rows that are not in .* the first to 'other'"):
        ask(dataset, pairs=read_pairs(short, unknown))
    with pytest.raises(Problem, match="expected two different names"):
        read_pairs(answers[0], answers[0])
    with pytest.raises(Problem, match="line 2: the row 'a' is answered in a line before"):
        read_pairs(write_lines(tmp_path / "twice.jsonl", *[{"id": "a", "answer": "x"}] * 2), short)
    with pytest.raises(Problem, match="empty.jsonl: holds no answer"):
        read_pairs(write_lines(tmp_path / "empty.jsonl"), short)
    with pytest.raises(Problem, match="nowhere.jsonl: cannot be read"):
        read_pairs(tmp_path / "nowhere.jsonl", short)
