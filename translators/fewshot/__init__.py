"""Few-shot translation by a chat model: prompts as data, typed answers, engines behind one protocol."""

KEY_VARIABLE = "BABELVISION_API_KEY"
"""The environment variable that holds a server's key: the only place it is read from."""
