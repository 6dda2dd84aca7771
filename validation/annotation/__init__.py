"""Native speakers judge a sample of a dataset: from a draw to a number that a paper can print.

A *round* is one draw: a `plan` that only the lead sees, a `package` for every annotator, and the judgements that came
back. All of it is in `OUT/validation/<round>/`, as JSON that any program reads.
"""
