"""Translate: the fields of every row, each distinct text once in the whole build.

Workers hold the model; one named actor holds the translation memory, hands out what is known and lets two
workers that need the same text share the work.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray

from builders.engine import Build, BuildConfig, Failure, Outcome, Row, Stage, StageError, flag
from builders.engine.files import is_local, location
from builders.engine.main import pool_size
from builders.stages.shared_memory import MemoryClient, start_memory
from translators import DEMO, TranslationMemory, Translator, TranslatorError, Unit, load_translator, translate
from translators.fewshot import KEY_VARIABLE
from translators.memory import identity, key
from translators.translate import distinct_pieces
from translators.units import TranslatorDied

KIND_JOINT = "+"
ENVIRONMENT = ("BABELVISION_CACHE", "HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE")
CALIBRATION_SECONDS = 3600.0


@dataclass(frozen=True)
class TranslationConfig(BuildConfig):
    """The flags of every recipe that translates. The translator names itself in the build's fingerprint."""

    model: str = flag(
        DEMO, "translation model: a Hub name like google/madlad400-3b-mt, a folder, or `demo`, a tiny model for "
        "trying things out: outside the bundled sample its output is rubbish", fingerprint=False, public=True,
    )  # fmt: skip
    to: str = flag("it", "target language", metavar="LANG")
    backend: str = flag(
        "auto", "what runs a sequence-to-sequence model", fingerprint=False, public=True,
        choices=("auto", "transformers", "ctranslate2"),
    )  # fmt: skip
    precision: str = flag(
        "", "float32, bfloat16, int8, int8_float16… (default: what suits backend and device)", fingerprint=False,
        public=True,
    )  # fmt: skip
    decoding: str = flag("", "greedy, beam, beamN or sample (default: the model's own)", fingerprint=False, public=True)
    prompt: str = flag(
        "", "few-shot prompt for a chat model: a name in translators/prompts, or a YAML file", fingerprint=False,
        public=True, metavar="NAME|FILE",
    )  # fmt: skip
    server: str = flag(
        "", "OpenAI-compatible server that runs the chat model (default: vLLM in every worker); its key, if any, is "
        "read from BABELVISION_API_KEY", fingerprint=False, metavar="URL",
    )  # fmt: skip
    in_flight: int = flag(
        0, "requests at once to a chat model, a worker (0: as the prompt says)", fingerprint=False, above=-1,
        metavar="N",
    )  # fmt: skip
    translator: str = flag("", "your own translator, as module:function", fingerprint=False, public=True, metavar="M:F")
    batch_tokens: int = flag(
        0, "tokens a batch, padding included (default: 1024 on a CPU, 8192 on a GPU)", above=-1, metavar="N"
    )
    memory: str = flag(
        "", "translation memory, on a disk, for one build at a time (default: OUT/memory.sqlite)",
        fingerprint=False, metavar="FILE",
    )  # fmt: skip
    calibrate: int = flag(
        0, "with --dry-run: translate N units first to measure the speed; they stay in the memory", fingerprint=False,
        above=-1, metavar="N",
    )  # fmt: skip
    price: float = flag(
        0.0, "price of an hour of one GPU (or CPU worker), for --dry-run", fingerprint=False, metavar="X"
    )
    watts: float = flag(0.0, "power that one GPU (or CPU worker) draws, for --dry-run", fingerprint=False, metavar="W")

    @property
    def spared(self) -> str:
        return " (with --memory PATH nothing is translated twice)"


class Translate(Stage):
    """Gives every machine field of a row its target, score and note; what a person once said of it is a human's."""

    name = "translate"
    overlap = 2

    def __init__(self, schema: pa.Schema, config: TranslationConfig, source: str = "en") -> None:
        self.schema = schema
        self.gpu = not config.server
        self.targets = tuple(config.to.split(","))
        self.arguments: dict[str, Any] = {
            "model": _absolute(config.model), "source": source, "factory": config.translator,
            "backend": config.backend, "precision": config.precision, "decoding": config.decoding,
            "batch_tokens": config.batch_tokens, "prompt": _absolute(config.prompt), "server": config.server,
            "in_flight": config.in_flight,
        }  # fmt: skip
        self.memory_path = config.memory
        # A cluster's workers have another folder and another environment than this process.
        wanted = [*ENVIRONMENT, *([KEY_VARIABLE] if config.server else [])]
        self._environment = {name: os.environ[name] for name in wanted if name in os.environ}
        self._identities: dict[str, str] = {}
        self._memory: Any = None
        self._translators: dict[str, Translator] = {}

    def preflight(self, build: Build) -> list[str]:
        """The translator, without its weights; it becomes part of what names the build."""
        gpus = pool_size(self, build.config, ray.cluster_resources()).gpus
        self.arguments |= {"device": "cuda" if gpus else "cpu", "gpus": max(1, int(gpus))}
        try:
            translators = self.load()
        except TranslatorError as error:
            return [str(error)]
        self._identities = _identities(translators)
        translator = translators[self.targets[0]]
        if "precision" in translator.settings:  # workers take what was planned, whatever their own GPU would suggest
            self.arguments |= {name: translator.settings[name] for name in ("backend", "precision")}
        build.identity["translator"] = {
            "name": translator.name,
            "revision": translator.revision,
            "settings": dict(translator.settings) | {"target": ",".join(self.targets)},
            "warning": " ".join(dict.fromkeys(each.warning for each in translators.values() if each.warning)) or None,
        }
        self.memory_path = self.memory_path or str(build.out / "memory.sqlite")
        if not is_local(location(self.memory_path)):
            return [f"--memory {self.memory_path}: needs a local or shared disk; SQLite does not live in object stores"]
        self.memory_path = str(location(self.memory_path))
        try:
            self._remembered([])
        except TranslatorError as error:
            return [f"--memory: {error}"]
        return []

    def load(self) -> dict[str, Translator]:
        """The translator into each target language, without weights; one model for all where it can be shared."""
        first, *others = self.targets
        translators = {first: load_translator(target=first, **self.arguments)}
        into = getattr(translators[first], "into", None)
        for target in others:
            translators[target] = into(target) if into else load_translator(target=target, **self.arguments)
        return translators

    def language(self, row: Row) -> str:
        """The target language of a row: its own, where a build has several."""
        return row.get("language") or self.targets[0]

    def forecast(self, build: Build, rows: list[Row], scale: float) -> dict[str, Any]:
        """Units, how many are distinct, remembered, and left to translate; their tokens, hours and price."""
        translators, config = self.load(), build.config
        assert isinstance(config, TranslationConfig)
        translator = translators[self.targets[0]]
        keys: dict[bytes, tuple[str, Unit]] = {}
        pieces = 0
        for target, its in translators.items():
            units = [unit for row in rows if self.language(row) == target for unit, _ in units_of(row, its.together)]
            distinct, count = distinct_pieces(units, its)
            keys |= {key(identity(its), unit): (target, unit) for unit in distinct}
            pieces += count
        known, speed = self._remembered(list(keys), identity(translator))
        left = [unit for item, unit in keys.items() if item not in known]
        tokens = sum(translators[target].count_tokens([unit]) for target, unit in left)
        measured = ""
        if config.calibrate and left:
            step = max(1, len(left) // config.calibrate)
            some = left[::step][: config.calibrate]
            speed = self._calibrate(build, some)
            measured = f", measured on {len(some):,} units"
        fields = [item for row in rows for item in row["fields"]]
        figures: dict[str, Any] = {
            "translator": f"{translator.name} ({translator.revision})",
            "fields": len(fields) * scale,
            "  from the glossary or kept as they are": sum(item["by"] != "machine" for item in fields) * scale,
            "translation units": pieces * scale,
            "  duplicates": (pieces - len(keys)) * scale,
            "  in the memory": len(known) * scale,
            "  to translate": len(left) * scale,
            "source tokens to translate": tokens * scale,
        }
        if not speed:
            return figures | {"hours of translation": "unknown: no speed measured yet; --calibrate 200 measures it"}
        size = pool_size(self, config, ray.cluster_resources())
        what, each = ("GPU", size.gpus) if size.gpus else ("worker", 1.0)
        hours = tokens * scale / speed / 3600
        figures["speed of a worker"] = f"{speed:,.0f} source tokens/s{measured}"
        figures[f"{what} hours of translation"] = hours * each
        figures[f"  hours on {size.workers} worker{'s' * (size.workers > 1)}"] = hours / size.workers
        if config.price:
            figures["  price"] = hours * each * config.price
        if config.watts:
            figures["  energy, kWh"] = hours * each * config.watts / 1000
        return figures

    def _remembered(self, keys: list[bytes], settings: str = "") -> tuple[set[bytes], float | None]:
        """Which of `keys` the memory knows, and the speed it has seen; makes no memory where there is none."""
        if not Path(self.memory_path).is_file():
            return set(), None
        memory = TranslationMemory(self.memory_path)
        try:
            return set(memory.get(keys)), memory.speed(settings)
        finally:
            memory.close()

    def _calibrate(self, build: Build, units: list[tuple[str, Unit]]) -> float:
        """Source tokens a second of one worker, loaded and warm, on the hardware that the build will have."""
        build.out.mkdir(parents=True, exist_ok=True)
        self.start(build)
        size = pool_size(self, build.config, ray.cluster_resources())
        measure = ray.remote(_measure).options(num_cpus=size.cpus, num_gpus=size.gpus, max_retries=0)
        try:
            speed: float = ray.get(measure.remote(self, units), timeout=CALIBRATION_SECONDS)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None) or error
            raise StageError(f"--calibrate {len(units)}: {cause}") from error
        return speed

    def start(self, build: Build) -> None:
        if self._memory is None:
            self._memory = start_memory(self.memory_path)

    def open(self) -> None:
        """Load the model's weights now, so that a model that does not load is found before any row is."""
        import torch

        for name, value in self._environment.items():
            os.environ.setdefault(name, value)
        torch.set_num_threads(max(1, int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))))
        try:
            self._translators = self.load()
            for target, found in _identities(self._translators).items():
                if found != self._identities[target]:
                    raise StageError(
                        f"the translator changed since the build was planned: here it is {found}, "
                        f"and it was {self._identities[target]}"
                    )
            for translator in self._translators.values():
                getattr(translator, "load", lambda: None)()
        except TranslatorError as error:
            raise StageError(str(error)) from error

    def close(self) -> None:
        for translator in self._translators.values():
            getattr(translator, "close", lambda: None)()
        self._translators = {}

    def process(self, rows: list[Row]) -> Outcome:
        outcome = Outcome()
        if strangers := sorted({self.language(row) for row in rows} - self._translators.keys()):
            raise StageError(f"rows in {', '.join(strangers)} came to a translator into {', '.join(self.targets)}")
        for target, translator in self._translators.items():
            outcome.add(self._translate([row for row in rows if self.language(row) == target], translator))
        return outcome

    def _translate(self, rows: list[Row], translator: Translator) -> Outcome:
        asked = [(row, fields, unit) for row in rows for unit, fields in units_of(row, translator.together)]
        try:
            made, account = translate([unit for _, _, unit in asked], translator, MemoryClient(self._memory))
        except TranslatorDied as error:
            # Perhaps one of these texts did it. A worker that dies is replaced, and the pool finds the row.
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        except TranslatorError as error:
            raise StageError(str(error)) from error
        errors: dict[str, str] = {}
        for (row, fields, _), answer in zip(asked, made, strict=True):
            if answer.error:
                errors[row["id"]] = f"field {fields[0]['name']!r}: {answer.error}"
                continue
            for item, text in zip(fields, answer.texts, strict=True):
                item |= {"target": text, "score": answer.score, "note": answer.note, "by": answer.by}
        return Outcome(
            written=[row for row in rows if row["id"] not in errors],
            failed=[Failure(row, "TranslationFailed", message) for row, message in errors.items()],
            counters=Counter(
                units=account.units,
                duplicates=account.duplicates,
                memory_hits=account.memory_hits,
                translated=account.translated,
                source_tokens=account.tokens,
            )
            + account.costs,
        )


def _absolute(name: str) -> str:
    """A name of the Hub or of a prompt as it is, a path in full."""
    return str(Path(name).absolute()) if name not in ("", DEMO) and Path(name).exists() else name


def _identities(translators: Mapping[str, Translator]) -> dict[str, str]:
    return {target: identity(translator) for target, translator in translators.items()}


def _measure(stage: Translate, asked: list[tuple[str, Unit]]) -> float:
    """In a worker: load, warm up on one unit, translate the rest and say the speed in source tokens a second.

    `asked` are units with their target languages.
    """
    stage.open()
    target, unit = asked[0]
    stage._translators[target].translate([unit])
    began, tokens = time.perf_counter(), 0
    for target, translator in stage._translators.items():
        units = [unit for into, unit in asked if into == target]
        tokens += translate(units, translator, MemoryClient(stage._memory))[1].tokens
    return tokens / (time.perf_counter() - began)


def units_of(row: Row, together: bool) -> list[tuple[Unit, list[Row]]]:
    """The units of the fields that a translator or its memory fills, each with the fields it stands for."""
    fields = [item for item in row["fields"] if item["by"] in ("machine", "human")]
    if not together:
        return [(Unit(item["kind"], (item["source"],)), [item]) for item in fields]
    groups: dict[int, list[Row]] = {}
    for item in fields:
        groups.setdefault(item["unit"], []).append(item)
    return [
        (Unit(KIND_JOINT.join(item["kind"] for item in group), tuple(item["source"] for item in group)), group)
        for group in groups.values()
    ]
