"""Recipes, one runnable file per dataset, and the engine, sources, transforms and stages they are made of."""
