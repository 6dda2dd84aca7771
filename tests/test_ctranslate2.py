"""CTranslate2 gives what transformers gives, from a conversion that is whole or not there at all."""

import random
import resource
import subprocess
import sys
from pathlib import Path

import ctranslate2
import pytest

from tests.checkpoints import make_t5
from translators import TranslatorError
from translators.demo.grammar import Example, generate
from translators.seq2seq import DemoTranslator, seq2seq_translator
from translators.units import Translation


@pytest.fixture(scope="module", autouse=True)
def cache(conversions: Path) -> Path:
    return conversions / "ctranslate2" / "babelvision-demo-en-it"


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    rng = random.Random(9)
    return list({made.source: made for made in (generate(rng) for _ in range(1100))}.values())[:1000]


@pytest.fixture(scope="module")
def reference(examples: list[Example]) -> list[Translation]:
    return translated(examples, "transformers", "float32")


def translated(examples: list[Example], backend: str, precision: str, decoding: str = "greedy") -> list[Translation]:
    translator = DemoTranslator("it", backend=backend, precision=precision, decoding=decoding)
    return translator.translate_texts([example.source for example in examples])


def right(examples: list[Example], made: list[Translation]) -> int:
    return sum(answer.texts == (example.target,) for answer, example in zip(made, examples, strict=True))


def test_float32_is_what_transformers_gives(examples: list[Example], reference: list[Translation]) -> None:
    """Scores too: with the scale that CTranslate2's own converter writes they are 4 off."""
    made = translated(examples, "ctranslate2", "float32")
    assert [answer.texts for answer in made] == [answer.texts for answer in reference]
    assert [answer.score for answer in made] == pytest.approx([answer.score for answer in reference], abs=1e-3)


def test_int8_differs_in_a_few_texts_at_most(examples: list[Example], reference: list[Translation]) -> None:
    made = translated(examples, "ctranslate2", "int8")
    assert sum(a.texts != b.texts for a, b in zip(made, reference, strict=True)) <= 5
    assert [answer.score for answer in made] == pytest.approx([answer.score for answer in reference], abs=0.05)


def test_beam_search_is_no_worse_than_greedy(examples: list[Example], reference: list[Translation]) -> None:
    made = translated(examples, "ctranslate2", "float32", "beam")
    assert right(examples, made) >= right(examples, reference)
    worse = [b for a, b in zip(made, reference, strict=True) if (a.score or 0) < (b.score or 0) - 1e-3]
    assert not worse


def test_beam_search_of_transformers_is_the_same(examples: list[Example]) -> None:
    some = examples[:60]
    made, other = (translated(some, backend, "float32", "beam3") for backend in ("transformers", "ctranslate2"))
    assert [answer.texts for answer in made] == [answer.texts for answer in other]
    assert [answer.score for answer in made] == pytest.approx([answer.score for answer in other], abs=1e-3)


def test_a_conversion_is_made_once_by_two_processes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELVISION_CACHE", str(tmp_path))
    program = (
        "import torch; torch.set_num_threads(1)\n"
        "import translators.backends.conversion as conversion\n"
        "from translators.seq2seq import DemoTranslator\n"
        "convert = conversion._convert\n"
        "conversion._convert = lambda *a: (print('CONVERTS'), convert(*a))\n"
        "print(DemoTranslator('it', backend='ctranslate2').translate_texts(['yes'])[0].texts[0])\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = "".join(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said.count("sì") == 2
    assert said.count("CONVERTS") == 1
    (folder,) = (path for path in tmp_path.glob("ctranslate2/*/*") if path.is_dir())
    assert "int8" in folder.name
    assert (folder / "model.bin").is_file()


def test_a_full_disk_leaves_nothing_and_the_next_try_succeeds(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BABELVISION_CACHE", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(TranslatorError, match="set BABELVISION_CACHE to a folder with room"):
            DemoTranslator("it", backend="ctranslate2").load()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [path for path in tmp_path.glob("ctranslate2/*/*") if path.is_dir()]
    (unfinished,) = (path.with_suffix(".part") for path in tmp_path.glob("ctranslate2/*/*.lock"))
    unfinished.mkdir()  # as a process killed in the middle leaves it
    (unfinished / "model.bin").write_bytes(b"half")
    DemoTranslator("it", backend="ctranslate2").load()
    assert not unfinished.exists()


def test_a_conversion_that_was_damaged_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELVISION_CACHE", str(tmp_path))
    DemoTranslator("it", backend="ctranslate2").load()
    (weights,) = tmp_path.glob("ctranslate2/*/*/model.bin")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(TranslatorError, match="delete that folder to convert it again"):
        DemoTranslator("it", backend="ctranslate2").load()


def test_a_gpu_without_room_does_not_blame_the_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr(ctranslate2, "Translator", full)
    with pytest.raises(
        TranslatorError, match="out of memory.; free its memory, or use a smaller --precision"
    ) as caught:
        DemoTranslator("it", backend="ctranslate2").load()
    assert "delete" not in str(caught.value)


def test_a_conversion_is_of_a_revision_and_a_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELVISION_CACHE", str(tmp_path))
    for dropout in (0.0, 0.5):
        model = make_t5(tmp_path / "tiny", dropout_rate=dropout)
        for precision in ("int8", "float32"):
            seq2seq_translator(str(model), "it", backend="ctranslate2", precision=precision).load()
    folders = {path.name for path in tmp_path.glob("ctranslate2/tiny/*") if path.is_dir()}
    assert len(folders) == 4
    assert {name.split("-")[1] for name in folders} == {"int8", "float32"}
