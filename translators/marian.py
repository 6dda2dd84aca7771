"""What a MarianMT checkpoint of one language pair expects of text and tokens (hub: HiTZ/mt-hitz-en-eu).

Pieces come from source.spm and target.spm and have their ids in vocab.json; no tag names the target. The ids are
those of transformers' MarianTokenizer, but a text that begins with ">>eus<<" is text here, never an order.
"""

import re
from collections.abc import Mapping, Sequence

from lingua import Language

from translators.checkpoints import Checkpoint, SpecialTokens, read_json, whole_number
from translators.madlad import read_sentencepiece
from translators.units import TranslatorError

MAX_SOURCE_TOKENS = 512
_PAIR = re.compile(r"(?:^|[-_/])([a-z]{2,3})[-_]([a-z]{2,3})$")


class MarianVocabulary:
    """The tokens of a MarianMT checkpoint. Raises `TranslatorError` when it is for another language pair.

    `max_source_tokens` leaves room among the model's positions for a target of twice the source and 16.
    """

    def __init__(self, checkpoint: Checkpoint, source: str, target: str) -> None:
        given = checkpoint.given
        settings = _tokeniser_settings(checkpoint)
        _check_pair(checkpoint, settings.get("source_lang"), settings.get("target_lang"), source, target)
        if settings.get("separate_vocabs"):
            raise TranslatorError(f"--model {given}: has two vocabularies; it must be a Marian model of one")
        self._ids = read_json(checkpoint.folder / "vocab.json", given)
        if not all(isinstance(index, int) for index in self._ids.values()):
            raise TranslatorError(f"--model {given}: vocab.json must give each piece a whole number")
        if any(piece.startswith(">>") and piece.endswith("<<") for piece in self._ids):
            raise TranslatorError(
                f"--model {given}: chooses its target by a tag (>>xxx<<); it must be a model of one language pair"
            )
        self.special = _special_tokens(checkpoint, self._ids)
        self._source = read_sentencepiece(checkpoint, "source.spm")
        self._target = read_sentencepiece(checkpoint, "target.spm")
        self._pieces = {index: piece for piece, index in self._ids.items()}
        positions = whole_number(checkpoint, "max_position_embeddings", 1024)
        self.max_source_tokens = min(MAX_SOURCE_TOKENS, (positions - 16) // 2)

    def encode(self, text: str) -> list[int]:
        """Token ids of the text and the end token."""
        pieces = self._source.encode(text, out_type=str)
        return [*(self._ids.get(piece, self.special.unknown) for piece in pieces), self.special.end]

    def decode(self, tokens: Sequence[int]) -> str:
        special = (self.special.pad, self.special.end, self.special.unknown)
        text: str = self._target.decode_pieces(
            [self._pieces.get(token, "⁇") for token in tokens if token not in special]
        )
        return text.replace("▁", " ").strip()

    def unreadable(self, text: str) -> list[str]:
        """What of the text the model has no tokens for."""
        pieces = self._source.encode(text, out_type=str)
        return [piece for piece in pieces if self._ids.get(piece, self.special.unknown) == self.special.unknown]


def _special_tokens(checkpoint: Checkpoint, ids: Mapping[str, int]) -> SpecialTokens:
    config = checkpoint.config
    unknown, end, pad = ids.get("<unk>"), ids.get("</s>"), config.get("pad_token_id")
    if unknown is None or end is None or not isinstance(pad, int) or end != config.get("eos_token_id"):
        raise TranslatorError(
            f"--model {checkpoint.given}: vocab.json must have <unk> and </s>, config.json a pad_token_id and the same "
            f"eos_token_id; found <unk> {unknown}, </s> {end}, pad {pad}, eos {config.get('eos_token_id')}"
        )
    return SpecialTokens(
        start=whole_number(checkpoint, "decoder_start_token_id", pad), pad=pad, end=end, unknown=unknown
    )


def _tokeniser_settings(checkpoint: Checkpoint) -> dict[str, object]:
    path = checkpoint.folder / "tokenizer_config.json"
    return read_json(path, checkpoint.given) if path.is_file() else {}


def _check_pair(checkpoint: Checkpoint, made_from: object, made_to: object, source: str, target: str) -> None:
    """Raise `TranslatorError` unless the model's languages, as far as it names them, are those asked for."""
    if not (isinstance(made_from, str) and isinstance(made_to, str)):
        named = _PAIR.search(checkpoint.name)
        if named is None:
            return
        made_from, made_to = named.groups()
        if any(len(code) == 3 and _short(code) == code for code in (made_from, made_to)):
            return
    for flag, asked, made in (("--source", source, made_from), ("--to", target, made_to)):
        if _short(asked) != _short(made):
            raise TranslatorError(
                f"{flag} {asked}: {checkpoint.name} translates from {_short(made_from)} to {_short(made_to)}; "
                "give these languages, or another --model"
            )


def _short(language: str) -> str:
    """A language code without region, of two letters where there is one: `eus` and `eu-ES` are `eu`."""
    code = re.split(r"[-_]", language.lower())[0]
    known = (item for item in Language.all() if item.iso_code_639_3.name.lower() == code)
    found = next(known, None)
    return found.iso_code_639_1.name.lower() if found else code
