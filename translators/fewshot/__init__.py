"""Few-shot translation by a chat model: prompts as data, typed answers, engines behind one protocol."""
