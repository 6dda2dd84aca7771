"""The command line of `python -m translators`: what it takes, and how its errors look."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from translators.cli_translate import printable, translate_lines
from translators.load import DEMO
from translators.memory import MemoryFileError, Stats, TranslationMemory
from translators.memory_files import export, import_
from translators.units import TranslatorError

TRANSLATE_EXAMPLES = """\
examples:
  python -m translators translate --to it "A red cup on a table."
  python -m translators translate --to eu --model HiTZ/mt-hitz-en-eu --file captions.txt > basque.txt
  cat questions.txt | python -m translators translate --to it --model google/madlad400-3b-mt \\
      --memory memory.sqlite --kind question --json > italian.jsonl
  BABELVISION_API_KEY=… python -m translators translate --to eu --server https://host/v1 --model latxa \\
      --prompt vqav2_eu --kind question "What is this?"
  python -m translators translate --to it --translator my_module:make_translator "A cat."

Every line is a text, and line N of the output is the translation of line N. A text that fails leaves an empty line,
is named on standard error, and makes the exit status 1. What cannot work at all exits with 2.
"""
MEMORY_EXAMPLES = """\
examples:
  python -m translators memory stats OUT/memory.sqlite
  python -m translators memory export OUT/memory.sqlite memory.parquet
  python -m translators memory import OTHER/memory.sqlite memory.parquet colleague.parquet
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (TranslatorError, sqlite3.Error, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader has seen enough
            sys.stdout = None
            return 1
        print(f"error: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m translators",
        description="Translate texts by hand as a build does, and look after a translation memory.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=TRANSLATE_EXAMPLES.partition("\n\n")[0] + MEMORY_EXAMPLES.removeprefix("examples:"),
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_translate(commands)
    _add_memory(commands)
    return parser


def _add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, examples: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=about, description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _add_translate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add_command(commands, "translate", "translate texts, a line each", TRANSLATE_EXAMPLES)
    add = parser.add_argument
    add("texts", nargs="*", metavar="TEXT", help="what to translate; without it, the lines of standard input")
    add("--file", type=Path, help="a UTF-8 file of a text a line, in the place of TEXT")
    add("--to", required=True, metavar="LANGUAGE", help="the target language (ISO 639), such as it")
    add("--from", dest="source", default="en", metavar="LANGUAGE", help="the source language (default: en)")
    add("--model", default=DEMO, help="demo, a Hub name or a folder (default: demo, which knows little)")
    add("--kind", default="caption", help="what the texts are: caption, question, answer, … (default: caption)")
    add("--memory", default=":memory:", metavar="FILE", help="a translation memory to ask first and to add to")
    add("--backend", default="auto", choices=["auto", "transformers", "ctranslate2"], help="what runs a seq2seq model")
    add("--precision", default="", help="of a seq2seq model's weights, such as bfloat16 or int8")
    add("--decoding", default="", help="of a seq2seq model: greedy, sample, beam or beamN")
    add("--batch-tokens", type=int, default=0, metavar="N", help="tokens a seq2seq batch, padding included")
    add("--prompt", default="", metavar="NAME|FILE", help="makes the model a chat model, with this prompt")
    add("--gpus", type=int, default=1, metavar="N", help="GPUs to divide a chat model over (default: 1)")
    add("--server", default="", metavar="URL", help="an OpenAI-compatible server; its key: BABELVISION_API_KEY")
    add("--translator", default="", metavar="MODULE:FUNCTION", help="a factory of your own")
    add(
        "--json", action="store_true", help="a JSON object a line: source, translation, score, note, error, from_memory"
    )
    parser.set_defaults(run=translate_lines)


def _add_memory(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "count, export or import a translation memory"
    inner = _add_command(commands, "memory", about, MEMORY_EXAMPLES).add_subparsers(required=True, metavar="COMMAND")
    for name, about, run in [
        ("stats", "what a memory holds", _stats),
        ("export", "write a memory to a Parquet file", _export),
        ("import", "add exported files to a memory, all or none; a human's translation replaces a machine's", _import),
    ]:
        parser = _add_command(inner, name, about, MEMORY_EXAMPLES)
        parser.add_argument("memory", type=Path, metavar="MEMORY", help="the memory's SQLite file")
        if name == "export":
            parser.add_argument("parquet", type=Path, metavar="PARQUET", help="the file to write")
        if name == "import":
            parser.add_argument("parquet", type=Path, nargs="+", metavar="PARQUET", help="the files to read")
        parser.set_defaults(run=run)


def _open(path: Path) -> TranslationMemory:
    if not path.is_file():
        raise MemoryFileError(f"translation memory {path}: no such file")
    return TranslationMemory(path)


def _stats(options: argparse.Namespace) -> int:
    memory = _open(options.memory)
    for name, figure in _table(memory.stats()):
        print(f"{name:<40} {figure}")
    memory.close()
    return 0


def _table(stats: Stats) -> list[tuple[str, str]]:
    rows = [("entries", f"{stats.entries:,}")]
    rows += [(f"  by a {author}", f"{count:,}") for author, count in stats.authors.items()]
    rows += [(f"  of kind {kind}", f"{count:,}") for kind, count in stats.kinds.items()]
    rows += [
        ("source characters", f"{stats.source_characters:,}"),
        ("target characters", f"{stats.target_characters:,}"),
    ]
    rows += [("file size", f"{stats.bytes / 1e6:,.1f} MB")]
    if stats.oldest and stats.newest:
        rows += [("oldest", f"{stats.oldest:%Y-%m-%d %H:%M} UTC"), ("newest", f"{stats.newest:%Y-%m-%d %H:%M} UTC")]
    rows += [(f"  {count:,} by", name) for name, count in stats.translators.items()]
    return [(printable(name), printable(figure)) for name, figure in rows]


def _export(options: argparse.Namespace) -> int:
    memory = _open(options.memory)
    print(f"{export(memory, options.parquet):,} entries written to {options.parquet}")
    memory.close()
    return 0


def _import(options: argparse.Namespace) -> int:
    memory = TranslationMemory(options.memory)
    read, added = import_(memory, options.parquet)
    print(f"{read:,} entries read, {added:,} added to {options.memory}, which holds {len(memory):,}")
    memory.close()
    return 0
