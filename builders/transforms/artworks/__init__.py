"""MultiExpArt without the network: prompts, records, alignment across languages, splits, and the pairs people judge."""
