"""A chat model's files without its weights: what names it, its tokeniser and its chat template."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from translators.checkpoints import digest_of, from_hub
from translators.fewshot.engine import DAY, TEMPLATE_DATE, Message
from translators.units import TranslatorError

SMALL_FILES = ("*.json", "*.model", "*.txt", "*.jinja")
SAMPLE = tuple(Message(role, "Hello.") for role in ("system", "user", "assistant", "user"))
"""A chat with the turns of every few-shot prompt."""


@dataclass(frozen=True)
class ChatModel:
    """A chat model found: `given` is what --model said; `template` is a digest of its chat template."""

    given: str
    name: str
    revision: str
    template: str
    tokenizer: Any
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a chat that the model is to answer. Raises `TranslatorError` when its template refuses it."""
        turns = [{"role": item.role, "content": item.content} for item in messages]
        try:
            with self._lock:  # a tokeniser's settings are not safe from several threads
                ids: list[int] = self.tokenizer.apply_chat_template(
                    turns, add_generation_prompt=True, return_dict=False,
                    date_string=TEMPLATE_DATE, strftime_now=DAY.strftime,
                )  # fmt: skip
        except Exception as error:  # a template is a program, and raises what it likes
            roles = ", ".join(item.role for item in messages)
            raise TranslatorError(
                f"{self.name}: its chat template refuses the turns {roles}: {_line(error)}"
            ) from error
        return ids

    def check_turns(self) -> None:
        """Raises `TranslatorError`, naming the role, when the template refuses the turns of a few-shot prompt."""
        try:
            self.encode(SAMPLE)
        except TranslatorError as error:
            self.encode(SAMPLE[1:])
            raise TranslatorError(
                f"{self.name}: its chat template refuses the role system, which every prompt has: "
                f"{_line(error.__cause__ or error)}; take a model that has it"
            ) from error

    def fetch(self) -> Path:
        """The folder with the weights, still of this revision. Raises `TranslatorError`."""
        if not Path(self.given).is_dir():
            return from_hub(self.given, [*SMALL_FILES, "*.safetensors"], self.revision)
        revision = digest_of(Path(self.given))
        if revision != self.revision:
            raise TranslatorError(
                f"--model {self.given} changed from {self.revision} to {revision} since the build began"
            )
        return Path(self.given)


def find_chat_model(model: str) -> ChatModel:
    """A chat model by local folder or Hub name. Fetches no weights. Raises `TranslatorError` when it is not to be found
    or its template does not take the turns of a few-shot prompt.
    """
    folder = Path(model)
    if folder.is_dir():
        name, revision = folder.resolve().name, digest_of(folder)
    elif model.startswith((".", "/", "~")):
        raise TranslatorError(f"--model {model}: no such folder")
    else:
        folder = from_hub(model, list(SMALL_FILES))
        name, revision = model, folder.name
    if not (folder / "config.json").is_file():
        raise TranslatorError(f"--model {model}: config.json missing; a chat model in Hugging Face's format has it")
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # whatever a broken file makes the libraries raise
        raise TranslatorError(f"--model {model}: its tokeniser does not load: {_line(error)}") from error
    if not tokenizer.chat_template:
        raise TranslatorError(
            f"--model {model} has no chat template, so it is no chat model; "
            "few-shot prompts need one tuned to instructions, such as HiTZ/Latxa-Llama-3.1-8B-Instruct"
        )
    template = hashlib.sha256(json.dumps(tokenizer.chat_template).encode()).hexdigest()[:12]
    found = ChatModel(model, name, revision, template, tokenizer)
    found.check_turns()
    return found


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
