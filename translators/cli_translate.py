"""Lines in, translated lines out, in the same order: `python -m translators translate`."""

import argparse
import contextlib
import json
import math
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from translators.load import load_translator
from translators.memory import identity, key
from translators.translate import Account, LocalMemory, distinct_pieces, translate
from translators.units import Translation, Translator, TranslatorError, Unit

BATCH_LINES = 512
_HIDDEN = ("Cc", "Zl", "Zp", "Cs")
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass
class _Totals:
    """What a run came to."""

    texts: int = 0
    failed: int = 0
    seconds: float = 0.0
    scores: list[float] = field(default_factory=list)
    account: Account = field(default_factory=Account)


def translate_lines(options: argparse.Namespace) -> int:
    """Translate what the command line's `options` name; returns 1 when a text failed, else 0."""
    if options.texts and options.file:
        raise TranslatorError("TEXT and --file are two sources of texts; give one of them")
    with contextlib.ExitStack() as opened:
        lines, at_once = _lines(options, opened)
        translator = _translator(options)
        opened.callback(getattr(translator, "close", lambda: None))
        memory = LocalMemory(options.memory)
        opened.callback(memory.close)
        _say(f"{translator.name} ({translator.revision}) {json.dumps(dict(translator.settings), ensure_ascii=False)}")
        if translator.warning:
            _say(f"warning: {translator.warning}")
        getattr(translator, "load", lambda: None)()
        totals = _Totals()
        while batch := list(islice(lines, at_once)):
            _translate_batch(batch, options, translator, memory, totals)
    _say(_summary(totals))
    return 1 if totals.failed else 0


def printable(text: str) -> str:
    """Text that moves no cursor and turns no writing direction: what would is shown as `\\u001b`."""

    def is_hidden(char: str) -> bool:
        return unicodedata.category(char) in _HIDDEN or char in _TURNING

    return "".join(f"\\u{ord(char):04x}" if is_hidden(char) else char for char in text)


def _lines(options: argparse.Namespace, opened: contextlib.ExitStack) -> tuple[Iterator[str | None], int]:
    """The texts, None for what is no UTF-8, and how many to take at a time."""
    if options.texts:
        return iter(options.texts), BATCH_LINES
    stream = opened.enter_context(options.file.open("rb")) if options.file else sys.stdin.buffer
    return _decoded(stream), 1 if stream.isatty() else BATCH_LINES


def _decoded(lines: Iterable[bytes]) -> Iterator[str | None]:
    rest = iter(lines)
    first = next(rest, b"").removeprefix(b"\xef\xbb\xbf")
    for line in chain([first] if first else [], rest):
        try:
            yield line.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            yield None


def _translator(options: argparse.Namespace) -> Translator:
    gpus = _gpus_for(options)
    return load_translator(
        options.model,
        options.to,
        source=options.source,
        factory=options.translator,
        backend=options.backend,
        precision=options.precision,
        decoding=options.decoding,
        batch_tokens=options.batch_tokens,
        prompt=options.prompt,
        server=options.server,
        device="cuda" if gpus else "cpu",
        gpus=gpus or 1,
    )


def _gpus_for(options: argparse.Namespace) -> int:
    """How many GPUs the model runs on; 0 is the CPU, or another program's hardware. Raises `TranslatorError`."""
    asked: int = options.gpus
    if asked != 1 and (options.server or options.translator or not options.prompt):
        raise TranslatorError(f"--gpus {asked}: it divides a chat model (--prompt) run on this machine")
    if options.server or options.translator:
        return 0
    here = _gpus()
    if not 1 <= asked <= max(1, here):
        raise TranslatorError(f"--gpus {asked}: this machine has {here}")
    return min(here, asked)


def _gpus() -> int:
    """GPUs of this machine, without the seconds that importing torch takes."""
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())


def _translate_batch(
    lines: Sequence[str | None], options: argparse.Namespace, translator: Translator, memory: LocalMemory, to: _Totals
) -> None:
    """Translate lines and print what became of them, adding to the totals."""
    units = [Unit(options.kind, (line or "",)) for line in lines]
    known = _known(units, translator, memory) if options.json else []
    began = time.perf_counter()
    made, account = translate(units, translator, memory)
    to.seconds += time.perf_counter() - began
    to.account.units += account.units
    to.account.duplicates += account.duplicates
    to.account.memory_hits += account.memory_hits
    to.account.translated += account.translated
    to.account.tokens += account.tokens
    for index, (line, answer) in enumerate(zip(lines, made, strict=True)):
        to.texts += 1
        if line is None:
            answer = Translation((), error="not UTF-8")
        if answer.error is not None:
            to.failed += 1
            _say(f"line {to.texts}: {answer.error}")
        if answer.score is not None and not math.isfinite(answer.score):
            answer = replace(answer, score=None)  # a translator's own: JSON has no word for it
        if answer.score is not None:
            to.scores.append(answer.score)
        print(_object(line, answer, known[index]) if options.json else _one_line(answer), flush=len(lines) == 1)


def _known(units: Sequence[Unit], translator: Translator, memory: LocalMemory) -> list[bool]:
    """Whether the memory has all that a unit needs of the model, and it needs something."""
    settings = identity(translator)
    keys = [[key(settings, piece) for piece in distinct_pieces([unit], translator)[0]] for unit in units]
    found = memory.get(list(dict.fromkeys(chain.from_iterable(keys))))
    return [bool(group) and all(item in found for item in group) for group in keys]


def _object(line: str | None, answer: Translation, from_memory: bool) -> str:
    made = {
        "source": line,
        "translation": None if answer.error is not None else answer.texts[0],
        "score": answer.score,
        "note": answer.note,
        "error": answer.error,
        "from_memory": from_memory,
    }
    text = json.dumps(made, ensure_ascii=False)
    return printable(text) if sys.stdout.isatty() else text


def _one_line(answer: Translation) -> str:
    text = "" if answer.error is not None else answer.texts[0]
    if sys.stdout.isatty():
        return printable(text)
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _summary(totals: _Totals) -> str:
    account = totals.account
    speed = account.tokens / max(totals.seconds, 1e-9)
    parts = [
        f"{totals.texts:,} texts",
        f"{account.units:,} pieces: {account.duplicates:,} duplicates, {account.memory_hits:,} from the memory, "
        f"{account.translated:,} translated",
        f"{account.tokens:,} tokens in {totals.seconds:.1f} s: {speed:,.0f} tokens/s",
    ]
    if totals.scores:
        parts.append(f"score {sum(totals.scores) / len(totals.scores):.3f}, lowest {min(totals.scores):.3f}")
    if totals.failed:
        parts.append(f"{totals.failed:,} failed")
    return "; ".join(parts)


def _say(text: str) -> None:
    """A line on standard error, for a person."""
    sys.stdout.flush()
    print(printable(text), file=sys.stderr)
