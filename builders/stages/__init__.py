"""The few lines that make a library a stage: ingest, translate, check, compose, publish."""
