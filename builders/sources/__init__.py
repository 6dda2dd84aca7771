"""One reader per upstream format: files in, rows in our schema out."""
