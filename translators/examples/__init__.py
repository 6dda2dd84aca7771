"""Translators as a user writes them, for `--translator module:function`."""
