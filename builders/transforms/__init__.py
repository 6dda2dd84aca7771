"""Pure row functions: boxes, options, guide strings, instructions."""
