"""What MADLAD-400 expects of text and tokens (hub: google/madlad400-3b-mt; arXiv 2309.04662).

The source is prefixed with the target's tag, `<2it> text`. A tag that the vocabulary does not have gives fluent
text in another language, so it is an error here. Decoding starts from token 0, which is also the unknown token,
ends at 2 and pads with 1. Tokens come from sentencepiece itself: transformers 5 rebuilds T5 tokenisers with other
special ids, and a character outside the vocabulary then becomes an end in the middle of the source.
"""

import difflib
import re
from collections.abc import Sequence

import sentencepiece

from translators.checkpoints import Checkpoint, SpecialTokens, whole_number
from translators.units import TranslatorError

SPECIAL = SpecialTokens(start=0, pad=1, end=2, unknown=0)
MAX_SOURCE_TOKENS = 512
PROBE = "A red cup."


class MadladVocabulary:
    """The tokens of a T5 checkpoint of MADLAD-400's conventions, for one target language.

    Raises `TranslatorError` when the checkpoint does not keep them or does not know the target.
    """

    special = SPECIAL
    max_source_tokens = MAX_SOURCE_TOKENS

    def __init__(self, checkpoint: Checkpoint, target: str) -> None:
        self._tokeniser = read_sentencepiece(checkpoint, "spiece.model")
        config = checkpoint.config
        found = (config.get("decoder_start_token_id"), config.get("pad_token_id"), config.get("eos_token_id"))
        fits = self._tokeniser.get_piece_size() <= whole_number(checkpoint, "vocab_size")
        if found != (SPECIAL.start, SPECIAL.pad, SPECIAL.end) or self._tokeniser.eos_id() != SPECIAL.end or not fits:
            raise TranslatorError(
                f"--model {checkpoint.given} does not have MADLAD's special tokens; it needs start 0, pad 1, end 2, "
                f"and as many embeddings as spiece.model has pieces; config.json says {found}"
            )
        if self._tokeniser.decode(self._tokeniser.encode(PROBE)) != PROBE:
            raise TranslatorError(
                f"--model {checkpoint.given}: spiece.model does not give {PROBE!r} back; is it this model's?"
            )
        pieces = map(self._tokeniser.id_to_piece, range(self._tokeniser.get_piece_size()))
        self._tags = {piece: index for index, piece in enumerate(pieces) if re.fullmatch(r"<2[^<>]+>", piece)}
        if f"<2{target}>" not in self._tags:
            known = sorted(tag[2:-1] for tag in self._tags)
            near = difflib.get_close_matches(target, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it knows {', '.join(known[:20])}"
            raise TranslatorError(f"--to {target}: {checkpoint.name} does not know the target language; {hint}")
        self._prefix = self._ids(f"<2{target}>")

    def _ids(self, text: str) -> list[int]:
        found: list[int] = self._tokeniser.encode(text)
        return found

    def encode(self, text: str) -> list[int]:
        """Token ids of `<2xx> text` and the end token. Raises ValueError for a text that holds a tag itself."""
        ids = self._ids(text)
        if not self._tags.keys().isdisjoint(re.findall(r"<2[^<>]+>", text)):
            raise ValueError("it holds a language tag (<2xx>), which this model would obey")
        return [*self._prefix, *ids, SPECIAL.end]

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokeniser.decode([token for token in tokens if token > SPECIAL.end])
        return text

    def unreadable(self, text: str) -> list[str]:
        """What of the text the model has no tokens for; none where the vocabulary falls back to bytes."""
        pieces = self._tokeniser.encode(text, out_type=str)
        return [piece for piece in pieces if self._tokeniser.piece_to_id(piece) == SPECIAL.unknown]

    def has_word(self, word: str) -> bool:
        """Whether a word is made of whole pieces: it does not fall apart into single letters or bytes."""
        pieces = self._tokeniser.encode(word, out_type=str)
        return not any(piece.startswith("<0x") or (len(piece) == 1 and piece.isalpha()) for piece in pieces)


def read_sentencepiece(checkpoint: Checkpoint, name: str) -> sentencepiece.SentencePieceProcessor:
    """A checkpoint's sentencepiece model. Raises `TranslatorError`."""
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(checkpoint.folder / name))
    except (OSError, RuntimeError) as error:
        raise TranslatorError(
            f"--model {checkpoint.given}: {name} is no sentencepiece model; download it again"
        ) from error
