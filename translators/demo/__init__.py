"""The embedded demo model: a tiny T5 of MADLAD's architecture, so that a build runs without a download.

It is really trained, on the English-Italian grammar of image captions, questions and answers in
`grammar.py`, and knows nothing else: outside that grammar its output is rubbish. `model/demo.json`
carries the score below which an output is not to be trusted. `train.py` makes it again.
"""

from pathlib import Path

MODEL = Path(__file__).with_name("model")
"""Folder of the checkpoint: config.json, generation_config.json, model.safetensors, spiece.model, demo.json."""
