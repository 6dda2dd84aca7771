"""A Llama of two layers with random weights and a chat template in Llama 3's manner: what chat engines are tested on.

It talks nonsense, but every part is real: a byte-level BPE tokeniser, the special tokens, the template, safetensors.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 2048
SPECIAL = [
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|pad|>",
]  # fmt: skip
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
SENTENCES = [
    "A goat stands on a blue bench. What is on the bench? A goat. How many goats are there? one",
    "Una capra sta su una panchina blu. Che cosa c'è sulla panchina? Una capra. Quante capre ci sono? una",
    "Ahuntz bat banku urdin baten gainean dago. Zer dago banku gainean? Ahuntz bat. Zenbat ahuntz daude? bat",
    "Translate the question and its answer. Question: Answer: Galdera: Erantzuna: 1. 2. 3. yes no bai ez",
]


def make_tiny_llama(folder: Path) -> Path:
    """Write the checkpoint into `folder`; the same bytes every time. Returns `folder`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 20, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", pad_token="<|pad|>",
        model_max_length=CONTEXT,
    )  # fmt: skip
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(fast), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, head_dim=32, max_position_embeddings=CONTEXT, rope_theta=500000.0,
            bos_token_id=fast.bos_token_id, eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id,
            tie_word_embeddings=False,
        )  # fmt: skip
        LlamaForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder
