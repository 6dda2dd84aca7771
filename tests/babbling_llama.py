"""A real Llama checkpoint that comes to an end: words in a random but rising order, then the quote that ends them.

Attention and feed-forward layers add nothing, embeddings are unit vectors, and the output layer is a table of which
token may follow which. What the engine does with it (cache, batches, bound forms, seeds) is as with any Llama.
"""

import math
import re
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from tests.tiny_llama import CONTEXT, make_tiny_llama

LIKELY = 20.0


def make_babbling_llama(folder: Path, layers: int = 1, width: int = 64) -> Path:
    """Write the checkpoint into `folder`, with feed-forward layers of `width`. Returns `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_llama(folder))
    size = len(tokenizer)
    vocabulary = tokenizer.get_vocab()
    words = sorted(index for token, index in vocabulary.items() if re.fullmatch("Ġ[a-z]{2,}", token))
    follows = torch.zeros(size, size)  # of a token (column), how likely each other one is to come next
    follows[words] = LIKELY
    for place, word in enumerate(words):
        follows[words, word] = 0.0
        later = words[place + 1 :] if place < len(words) * 2 // 3 else [vocabulary['"']]
        follows[later, word] = LIKELY
    config = LlamaConfig(
        vocab_size=size, hidden_size=size, intermediate_size=width, num_hidden_layers=layers, num_attention_heads=2,
        num_key_value_heads=1, head_dim=32, max_position_embeddings=CONTEXT, rope_theta=500000.0,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.model.norm.weight.fill_(1 / math.sqrt(size))
        model.lm_head.weight.copy_(follows)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    model.save_pretrained(folder)
    return folder
