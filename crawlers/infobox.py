"""The picture of an infobox: what says whether an article about an artwork has an image.

A page's lead image is no answer: MediaWiki takes any picture of the lead for it. Modern boxes name the cell of the
picture (`infobox-image`, French `images`, Spanish `imagen`); older ones put it above the first row with a label.
"""

import re
import urllib.parse
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from crawlers.links import file_of
from crawlers.markup import INFOBOXES

SELECTOR = ", ".join(f".{name}" for name in sorted(INFOBOXES))
# A picture, or what stands for one whose file the wiki lacks.
_PICTURES = "img, [href*='wpDestFile='], .mw-broken-media[resource]"
_PLACES = ".infobox-image, .images, .imagen, .infobox-img, .infobox_image"
_LABELS = ".infobox-label, .infobox-data"
_ORNAMENTS = frozenset({"flagicon", "locmap", "noviewer", "mw-kartographer-container"})
_LEAST_PIXELS = 60
_STORED = re.compile(
    r".*/thumb/(?:[0-9a-f]/[0-9a-f]{2}/)?(?P<thumb>[^/]+)/[^/]+|.*/[0-9a-f]/[0-9a-f]{2}/(?P<full>[^/]+)"
)
# Names of drawings that stand where a picture is missing.
_PLACEHOLDER = re.compile(
    r"no[ -]?(?:free )?image\b|replace this image|image manquante|sin imagen|missing[ -]image", re.I
)


def picture_of(infobox: LexborNode) -> str:
    """The name of the file in the infobox's image place, without namespace; `""` if there is none.

    A file that the box asks for and the wiki lacks is named too: the file's own record says that it is missing.
    """
    return next(
        (name for image in _images(infobox) if (name := _file_name(image)) and not _PLACEHOLDER.match(name)), ""
    )


def _images(infobox: LexborNode) -> Iterator[LexborNode]:
    if places := infobox.css(_PLACES):
        found = [image for place in places for image in place.css(_PICTURES)]
    elif infobox.css_first(_LABELS):
        found = []
    else:
        found = _above_the_labels(infobox)
    return (image for image in found if _is_picture(image, infobox))


def _above_the_labels(infobox: LexborNode) -> list[LexborNode]:
    found: list[LexborNode] = []
    for row in infobox.css("tr"):
        cells = [cell for cell in row.iter() if cell.tag in ("td", "th")]
        if len(cells) > 1:
            break
        found += row.css(_PICTURES)
    return found


def _is_picture(image: LexborNode, infobox: LexborNode) -> bool:
    width = image.attributes.get("width") or ""
    if width.isascii() and width.isdigit() and int(width[:9]) < _LEAST_PIXELS:
        return False
    node: LexborNode | None = image
    while node is not None and node.mem_id != infobox.mem_id:
        if not _ORNAMENTS.isdisjoint((node.attributes.get("class") or "").split()):
            return False
        node = node.parent
    return True


def _file_name(image: LexborNode) -> str:
    """From Parsoid's `resource`, the link to the file's page or, where a picture links elsewhere, the stored file."""
    attributes = image.attributes
    if name := file_of(attributes.get("resource") or ""):
        return name
    if wanted := re.search(r"[?&]wpDestFile=([^&]+)", attributes.get("href") or ""):
        return urllib.parse.unquote(wanted[1]).replace("_", " ")
    parent = image.parent
    if parent is not None and parent.tag == "a" and (name := file_of(parent.attributes.get("href") or "")):
        return name
    stored = _STORED.fullmatch((attributes.get("src") or "").partition("?")[0])
    return urllib.parse.unquote(stored["thumb"] or stored["full"]).replace("_", " ") if stored else ""
