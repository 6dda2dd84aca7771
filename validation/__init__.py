"""Is the data right? Filters, and the judgement of native speakers. Runs without Ray."""
