"""`python -m translators` as a user runs it: lines in and out, a memory, errors in one line."""

import io
import json
import math
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lying_server import LyingServer, completion, refuses, says
from translators import Translation, TranslationMemory, TranslatorError, Unit, cli_translate, load_translator
from translators.cli import main
from translators.cli_translate import printable
from translators.memory import key

ROOT = Path(__file__).resolve().parents[1]
SHOUTER = ["--translator", "tests.test_translators_cli:make_shouter"]
COMMAND = "translators.examples.command_line:make_translator"


class Shouter:
    """Shouts; has no word for what is LONG, an infinite score for what is SURE, and breaks at what is BROKEN."""

    name, revision, together, source, warning = "shouter", "1", False, "en", "it only shouts"

    def __init__(self, target: str) -> None:
        self.settings = {"target": target}

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        texts = [unit.texts[0] for unit in units]
        if "BROKEN" in texts:
            raise TranslatorError("out of\nmemory")
        return [
            Translation((), error=f"no word for {text}")
            if "LONG" in text
            else Translation((text.upper(),), math.inf if "SURE" in text else -0.5)
            for text in texts
        ]

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(text.split()) for unit in units for text in unit.texts)


def make_shouter(model: str, target: str) -> Shouter:
    return Shouter(target)


def refuse(model: str, target: str) -> Shouter:
    raise TranslatorError(f"no licence for {model}")


@dataclass
class Ran:
    """What a command gave."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, with what stands on its standard input."""

    def run(*arguments: str | Path, given: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as left:
            status = int(left.code or 0)
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run


def test_texts_of_the_command_line(run: Run) -> None:
    ran = run("translate", "--to", "it", *SHOUTER, "a cat", "two\nlines", "<image> a dog")
    assert (ran.status, ran.out) == (0, "A CAT\nTWO\\nLINES\n<image> A DOG\n")
    assert 'shouter (1) {"target": "it"}' in ran.err
    assert "it only shouts" in ran.err
    assert "3 texts; 4 pieces: 0 duplicates, 0 from the memory, 4 translated; 6 tokens" in ran.err
    assert "score -0.500, lowest -0.500" in ran.err


def test_lines_keep_their_order_the_empty_ones_too(run: Run, tmp_path: Path) -> None:
    lines = [f"a cat {n % 700}" if n % 10 else "" for n in range(2000)]
    content = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()
    wanted = "".join(f"{line.upper()}\n" for line in lines)
    assert run("translate", "--to", "it", *SHOUTER, given=content).out == wanted
    (tmp_path / "lines.txt").write_bytes(content)
    ran = run("translate", "--to", "it", *SHOUTER, "--file", tmp_path / "lines.txt")
    assert (ran.status, ran.out) == (0, wanted)


def test_a_text_that_fails_is_named_and_the_others_come(run: Run) -> None:
    ran = run("translate", "--to", "it", *SHOUTER, given=b"a cat\na LONG \x1b[31m cat\n\xff\xfe\na dog\n")
    assert (ran.status, ran.out) == (1, "A CAT\n\n\nA DOG\n")
    assert "line 2: no word for a LONG \\u001b[31m cat\n" in ran.err
    assert "line 3: not UTF-8\n" in ran.err
    assert "2 failed" in ran.err


def test_json_says_what_the_memory_knew(run: Run, tmp_path: Path) -> None:
    arguments = ["translate", "--to", "it", *SHOUTER, "--memory", str(tmp_path / "memory.sqlite"), "--json"]
    made = [json.loads(line) for line in run(*arguments, "a cat. a dog.", "a LONG cat", "12").out.splitlines()]
    cat = {"source": "a cat. a dog.", "translation": "A CAT. A DOG.", "score": -0.5, "note": None, "error": None}
    assert made[0] == cat | {"from_memory": False}
    assert (made[1]["translation"], made[1]["error"]) == (None, "no word for a LONG cat")
    assert (made[2]["translation"], made[2]["from_memory"]) == ("12", False)
    ran = run(*arguments, "a cat. a dog.", "a cat. a bird.")
    again = [json.loads(line) for line in ran.out.splitlines()]
    assert again[0] == cat | {"from_memory": True}
    assert (again[1]["translation"], again[1]["from_memory"]) == ("A CAT. A BIRD.", False)
    assert "1 duplicates, 2 from the memory, 1 translated" in ran.err


def test_json_has_no_infinity(run: Run) -> None:
    ran = run("translate", "--to", "it", *SHOUTER, "--json", "a SURE cat", "a dog")
    assert [json.loads(line)["score"] for line in ran.out.splitlines()] == [None, -0.5]
    assert "Infinity" not in ran.out
    assert "score -0.500, lowest -0.500" in ran.err


@pytest.mark.parametrize(
    ("flags", "gpus", "device"),
    [([], 1, "cuda"), (["--gpus", "2"], 2, "cuda"), (["--gpus", "4"], 0, "this machine has 3"),
     (["--gpus", "0"], 0, "this machine has 3")],
)  # fmt: skip
def test_a_chat_model_is_divided_over_no_more_gpus_than_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch, flags: list[str], gpus: int, device: str
) -> None:
    """A model of 32 heads cannot be divided over the three GPUs of this machine."""
    given: dict[str, Any] = {}

    def load(*_: str, **arguments: Any) -> Shouter:
        given.update(arguments)
        return Shouter("it")

    monkeypatch.setattr(cli_translate, "_gpus", lambda: 3)
    monkeypatch.setattr(cli_translate, "load_translator", load)
    ran = run("translate", "--to", "it", "--model", "chat", "--prompt", "generic", *flags, "a cat")
    if gpus:
        assert (ran.status, given["gpus"], given["device"]) == (0, gpus, device)
    else:
        assert (ran.status, given) == (2, {})
        assert device in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpus", "2", "a cat"], "--gpus 2: it divides a chat model"),
        (["--translator", "no.such:thing"], "error: --translator no.such:thing: ModuleNotFoundError: No module named"),
        (["--translator", ".x:f"], "error: --translator .x:f: TypeError: "),
        (["--translator", "os:getcwd", "a cat"], "error: --translator os:getcwd: TypeError: "),
        (["--translator", "tests.test_translators_cli:refuse"], "error: no licence for demo\n"),
        ([*SHOUTER, "--memory", "README.md"], "error: translation memory README.md: file is not a database"),
        ([*SHOUTER, "--file", "no-such-file"], "no-such-file"),
        ([*SHOUTER, "--file", "README.md", "a cat"], "TEXT and --file"),
        ([*SHOUTER, "BROKEN"], "error: out of memory\n"),
        (["--model", "./no-such-model", "a cat"], "error: --model ./no-such-model: no such folder"),
        (["--model", "demo", "--to", "ti", "a cat"], "does not know the target language"),
    ],
)
def test_what_cannot_work_gives_one_line(run: Run, arguments: list[str], message: str) -> None:
    ran = run("translate", "--to", "it", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err.splitlines(keepends=True)[-1]


def test_the_demo_model(run: Run) -> None:
    ran = run("translate", "--to", "it", "A red cup on a table. Two cats.", "A quasar.")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "Una tazza rossa su un tavolo. Due gatti.")
    assert "babelvision-demo-en-it" in ran.err


def test_a_chat_model_behind_a_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELVISION_API_KEY", "sekret")
    arguments = ["translate", "--to", "it", "--prompt", "generic", "--kind", "question"]
    with LyingServer(always=says(completion('{"texts": ["Che cos\'è?"]}'))) as server:
        ran = run(*arguments, "--server", server.url, "<image>\nWhat is it?")
        assert (ran.status, ran.out) == (0, "<image>\\nChe cos'è?\n")
        assert server.headers[-1]["Authorization"] == "Bearer sekret"
        assert "sekret" not in ran.err
        assert "liar" in ran.err
    ran = run(*arguments, "--server", server.url, "What is it?")
    assert ran.status == 2
    assert server.url in ran.err.splitlines()[-1]
    with LyingServer(always=refuses(401, "the key sekret is none"), models_reply=refuses(401, "sekret")) as server:
        ran = run(*arguments, "--server", server.url, "What is it?")
    assert (ran.status, ran.out) == (2, "")
    assert "sekret" not in ran.err


def test_a_memory_is_counted_exported_and_imported(run: Run, tmp_path: Path) -> None:
    memory, parquet, copy = (tmp_path / name for name in ("memory.sqlite", "memory.parquet", "copy.sqlite"))
    run("translate", "--to", "it", *SHOUTER, "--memory", memory, "--kind", "que\x1bstion", "a cat", "a dog")
    ran = run("memory", "export", memory, parquet)
    assert (ran.status, ran.out) == (0, f"2 entries written to {parquet}\n")
    ran = run("memory", "import", copy, parquet, parquet)
    assert (ran.status, ran.out) == (0, f"4 entries read, 2 added to {copy}, which holds 2\n")
    ran = run("memory", "stats", copy)
    assert ran.status == 0
    figures = dict(line.strip().split("   ", 1) for line in ran.out.splitlines())
    assert figures["entries"].strip() == "2"
    assert figures["of kind que\\u001bstion"].strip() == "2"
    assert '"name": "shouter"' in figures["2 by"]


def test_memory_errors_give_one_line(run: Run, tmp_path: Path) -> None:
    for command in (["stats"], ["export", tmp_path / "out.parquet"]):
        ran = run("memory", command[0], tmp_path / "none.sqlite", *command[1:])
        assert (ran.status, ran.err) == (2, f"error: translation memory {tmp_path}/none.sqlite: no such file\n")
    (tmp_path / "bad.parquet").write_text("no parquet")
    ran = run("memory", "import", tmp_path / "new.sqlite", tmp_path / "bad.parquet")
    assert ran.status == 2
    assert ran.err.startswith(f"error: {tmp_path}/bad.parquet: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", [[], ["translate"], ["memory"], ["memory", "import"]])
def test_help_has_examples(run: Run, command: list[str]) -> None:
    ran = run(*command, "--help")
    assert ran.status == 0
    assert f"python -m translators {' '.join(command)}" in ran.out.partition("examples:")[2]
    assert run(*command).status == 2, "no command, no language, no file"


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "translators", "translate", "--to", "it", "--translator", COMMAND, *arguments]


def test_a_terminal_is_not_moved_by_a_translation() -> None:
    ours, theirs = pty.openpty()
    command = program("--model", "sed 's/a/\\x1b[2J\\xe2\\x80\\xae/'", "a cat")
    subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, cwd=ROOT, check=True)
    os.close(theirs)
    assert os.read(ours, 1000) == b"\\u001b[2J\\u202e cat\r\n"
    os.close(ours)
    assert printable("a\u202eb\u2028 ñ 中\u200d") == "a\\u202eb\\u2028 ñ 中\u200d"


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("a cat\n" * 100_000)
    pipe = subprocess.PIPE
    with subprocess.Popen(program("--model", "cat", "--file", str(lines)), stdout=pipe, stderr=pipe, cwd=ROOT) as ran:
        assert ran.stdout
        assert ran.stderr
        assert ran.stdout.readline() == b"a cat\n"
        ran.stdout.close()
        assert b"Traceback" not in ran.stderr.read()
    assert ran.returncode == 1


def units(*texts: str) -> list[Unit]:
    return [Unit("caption", (text,)) for text in texts]


def test_the_example_of_a_translator_of_your_own(run: Run, tmp_path: Path) -> None:
    arguments = ["translate", "--to", "it", "--translator", COMMAND, "--memory", str(tmp_path / "memory.sqlite")]
    ran = run(*arguments, "--model", "sed s/cat/gatto/", "a cat. <image>\nA cat!", "")
    assert (ran.status, ran.out) == (0, "a gatto. <image>\\nA gatto!\n\n")
    ran = run(*arguments, "--model", "sed s/cat/micio/", "a cat.")
    assert ran.out == "a micio.\n", "another program is another translator, and the memory knows"
    with pytest.raises(TranslatorError, match="no such program"):
        load_translator("no-such-program", "it", factory=COMMAND)
    with pytest.raises(TranslatorError, match="exit status 1 and 1 lines for 1 sentences: "):
        load_translator("false", "it", factory=COMMAND).translate(units("a cat"))
    with pytest.raises(TranslatorError, match="exit status 0 and 1 lines for 2 sentences"):
        load_translator("head -1", "it", factory=COMMAND).translate(units("a cat", "a dog"))
    made = load_translator("sed s/dog//", "it", factory=COMMAND).translate(units("a cat", "dog"))
    assert [answer.error for answer in made] == [None, "an empty line"]


def test_what_a_human_corrected_is_what_comes_out(run: Run, tmp_path: Path) -> None:
    memory, unit = TranslationMemory(tmp_path / "memory.sqlite"), Unit("caption", ("a cat",))
    name = json.dumps({"name": "shouter", "revision": "1", "target": "it"}, sort_keys=True)
    memory.put(name, [(key(name, unit), unit, Translation(("il gatto",)))], by="human")
    memory.close()
    ran = run("translate", "--to", "it", *SHOUTER, "--memory", tmp_path / "memory.sqlite", "a  cat")
    assert ran.out == "il gatto\n"
