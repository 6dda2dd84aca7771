"""Images that a dataset gives by URL alone."""

from collections.abc import Mapping
from typing import Any

from builders.engine import RowError
from builders.sources.forms.values import text
from builders.sources.items import ImageAt


def image_at_url(raw: Mapping[str, Any], *names: str, sha256: str | None = None) -> ImageAt:
    """The image at the URL of the first of these fields that holds one. Raises `RowError`: MissingField, BadURL."""
    url = text(raw, *names).strip()
    if not url.lower().startswith(("http://", "https://")):
        raise RowError("BadURL", f"field {names[0]!r} is {url[:200]!r}; it should begin with http:// or https://")
    return ImageAt(url=url, sha256=sha256)
