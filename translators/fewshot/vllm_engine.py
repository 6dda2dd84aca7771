"""Few-shot translation by vLLM in this process, its running batch kept full from one shard to the next.

One thread drives the engine: a request joins the batch at the next step, whichever thread and shard it comes from,
and leaves it when it is done (continuous batching). Nobody waits for a batch to end.
"""

import importlib
import importlib.util
import itertools
import os
import queue
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from translators.fewshot.chat_model import find_chat_model
from translators.fewshot.engine import Answer, Message, Request, Structure
from translators.fewshot.vllm_log import cause_of, errors_copied_to
from translators.units import TranslatorDied, TranslatorError

ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING", "HF_HUB_OFFLINE": "1"}
ON_CPU = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1"}
ON_GPU = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
"""What vLLM reads when it is imported, unless the user has set it. On a CPU: one process, and a GiB for keys and values
in the place of nearly all memory."""
BOUND_FORMS = {"backend": "xgrammar", "disable_any_whitespace": True}
"""One library for every request, so that a form it does not know is refused where another would be tried in vain, and
compact JSON: blanks without end are valid JSON too."""
OUT_OF_MEMORY = re.compile(r"out of memory|memory on (device|node)|memory .{0,40}(less than|too small)|KV cache", re.I)
CLOSE_SECONDS = 60.0


class VLLMEngine:
    """A chat model run by vLLM 0.32, at most `batch` answers at a time.

    `model` is a folder or a Hub name. `context` bounds a prompt and its answer together, in tokens. `tensor_parallel`
    is the number of GPUs the model is divided among. `dtype` is vLLM's; by default the model's own on `cuda`, and
    float32 on `cpu`, which most of them compute fastest. The tokeniser is read at once, the weights by `load`.
    Raises `TranslatorError` for a model that is not to be found or is no chat model, and where vLLM is not installed.
    """

    structures: frozenset[Structure] = frozenset({"regex", "json"})

    def __init__(
        self,
        model: str,
        *,
        context: int = 2048,
        batch: int = 64,
        tensor_parallel: int = 1,
        dtype: str = "",
        device: str = "cpu",
    ) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise TranslatorError("--prompt without --server needs vLLM, which is not installed: pip install '.[vllm]'")
        self._model = find_chat_model(model)
        self.name, self.revision = self._model.name, self._model.revision
        self._context, self._batch, self._tensor_parallel, self._device = context, batch, tensor_parallel, device
        self._dtype = dtype or ("auto" if device == "cuda" else "float32")
        self.settings: Mapping[str, str] = {
            "engine": "vllm",
            "dtype": self._dtype,
            "template": self._model.template,
        }
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._queue: queue.SimpleQueue[tuple[list[int], Request, Future[Answer]] | None] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._broken: TranslatorError | None = None

    def load(self) -> None:
        with self._lock:
            if self._broken:
                raise _again(self._broken)
            if self._thread is None:
                started: Future[None] = Future()
                self._thread = threading.Thread(target=self._drive, args=[started], name="vllm-engine", daemon=True)
                self._thread.start()
                try:
                    started.result()
                except TranslatorError as error:
                    self._broken = error
                    raise

    def submit(self, request: Request) -> "Future[Answer]":
        future: Future[Answer] = Future()
        prompt = self._model.encode(request.messages)
        if len(prompt) + request.max_tokens > self._context:
            future.set_result(
                Answer(
                    "",
                    "error",
                    len(prompt),
                    error=f"the prompt has {len(prompt)} tokens and the answer may have {request.max_tokens}, "
                    f"and the context is {self._context}",
                )
            )
            return future
        self.load()
        with self._lock:
            if self._broken:
                future.set_exception(_again(self._broken))
            else:
                self._queue.put((prompt, request, future))
        return future

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._model.encode(messages))

    def close(self) -> None:
        """Let go of the model and its memory; what still waits fails."""
        with self._lock:
            self._broken = self._broken or self._closed()
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _closed(self) -> TranslatorError:
        return TranslatorError(f"{self.name}: the engine was closed")

    def _drive(self, started: "Future[None]") -> None:
        """The engine's thread: from loading to closing."""
        try:
            engine = self._start()
        except BaseException as error:
            started.set_exception(error if isinstance(error, TranslatorError) else TranslatorError(self._why(error)))
            return
        waiting: dict[str, Future[Answer]] = {}
        started.set_result(None)
        try:
            while self._admit(engine, waiting):
                for output in engine.step():
                    waiting.pop(output.request_id).set_result(_answer(output))
            reason = self._closed()
        except BaseException as error:
            reason = TranslatorDied(f"{self.name}: vLLM broke down: {cause_of(error, self._log)}")
        self._fail(reason, waiting)
        with suppress(Exception):
            engine.engine_core.shutdown()

    def _start(self) -> Any:
        """Load the weights. Returns vLLM's engine; raises whatever vLLM does."""
        self._scratch = tempfile.TemporaryDirectory(prefix="vllm-", ignore_cleanup_errors=True)
        self._log = Path(self._scratch.name) / "errors.log"
        folder = self._model.fetch()
        cpu = self._device == "cpu"
        for name, value in (ENVIRONMENT | (ON_CPU if cpu else ON_GPU)).items():
            os.environ.setdefault(name, value)
        options: dict[str, Any] = {
            "model": str(folder),
            "served_model_name": self.name,
            "seed": 0,
            "dtype": self._dtype,
            "max_model_len": self._context,
            "max_num_seqs": self._batch,
            "enable_prefix_caching": True,
            "tensor_parallel_size": self._tensor_parallel,
            "structured_outputs_config": BOUND_FORMS,
        }
        if self._tensor_parallel > 1:
            options["distributed_executor_backend"] = "mp"
        if cpu:
            # On a CPU a request with a seed fails when its prompt is taken in two parts (vLLM 0.32).
            whole = {"enable_chunked_prefill": False, "max_num_batched_tokens": self._context}
            options |= {"enforce_eager": True, **whole}
        with errors_copied_to(self._log):
            vllm: Any = importlib.import_module("vllm")
            return vllm.LLM(**options).llm_engine

    def _why(self, error: BaseException) -> str:
        """One line on why vLLM did not start, and what to do."""
        if isinstance(error, ImportError):
            return f"vLLM does not import: {error}; install it as this project's extra `vllm` does"
        cause = cause_of(error, self._log)
        advice = ""
        if OUT_OF_MEMORY.search(cause):
            advice = "; free the memory that others hold, give more GPUs (--gpus-per-worker) or take a smaller model"
        return f"{self.name} does not start in vLLM: {cause}{advice}"

    def _admit(self, engine: Any, waiting: "dict[str, Future[Answer]]") -> bool:
        """Hand the engine all that came in, and wait only when it has nothing else to do. False when closed."""
        while True:
            try:
                item = self._queue.get(block=not waiting)
            except queue.Empty:
                return True
            if item is None:
                return False
            prompt, request, future = item
            if not future.set_running_or_notify_cancel():
                continue
            name = str(next(self._numbers))
            waiting[name] = future
            try:
                engine.add_request(name, {"type": "token", "prompt_token_ids": prompt}, _sampling(request))
            except _own_faults() as error:
                waiting.pop(name).set_result(
                    Answer("", "error", len(prompt), error=f"vLLM refuses the request: {error}")
                )

    def _fail(self, reason: TranslatorError, waiting: "dict[str, Future[Answer]]") -> None:
        """Break the engine: all that wait, and all later requests, fail with `reason`."""
        futures = list(waiting.values())
        with self._lock:
            self._broken = self._broken or reason
            while not self._queue.empty():
                if (item := self._queue.get()) is not None and item[2].set_running_or_notify_cancel():
                    futures.append(item[2])
        for future in futures:
            future.set_exception(_again(self._broken))


def _again(error: TranslatorError) -> TranslatorError:
    """The same error for another thread to raise."""
    return type(error)(*error.args)


def _sampling(request: Request) -> Any:
    """vLLM's parameters of a request."""
    parameters: Any = importlib.import_module("vllm.sampling_params")
    bound = None
    if request.pattern is not None:
        bound = parameters.StructuredOutputsParams(regex=request.pattern)
    elif request.schema is not None:
        bound = parameters.StructuredOutputsParams(json=dict(request.schema))
    return parameters.SamplingParams(
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
        max_tokens=request.max_tokens,
        structured_outputs=bound,
        output_kind=parameters.RequestOutputKind.FINAL_ONLY,
    )


def _own_faults() -> tuple[type[Exception], ...]:
    """What vLLM raises at a request that is wrong by itself, such as a pattern that is no regular expression."""
    exceptions: Any = importlib.import_module("vllm.exceptions")
    return (exceptions.VLLMClientError, ValueError)


def _answer(output: Any) -> Answer:
    """What vLLM made of a request."""
    made, prompt_tokens = output.outputs[0], len(output.prompt_token_ids)
    if made.finish_reason not in ("stop", "length"):
        return Answer("", "error", prompt_tokens, len(made.token_ids), f"vLLM ended it with {made.finish_reason!r}")
    return Answer(made.text, made.finish_reason, prompt_tokens, len(made.token_ids))
