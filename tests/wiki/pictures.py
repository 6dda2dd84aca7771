"""The pictures of the invented artworks: the whole, a scan of it, another painting, a doubtful detail."""

import random
from pathlib import Path

from PIL import Image, ImageDraw

from tests.wiki.corpus import Truth, file_name

AUTHORS = {
    "PD-Art": '<a href="//commons.wikimedia.org/wiki/Creator:Marta_Velli" title="Creator:Marta Velli">Marta Velli</a>',
    "cc-by-sa-4.0": '<span class="fn">Ines &amp; Otto</span>',
    "cc-zero": "Vell <b>Museum</b>",
}


def draw(seed: str) -> Image.Image:
    """A picture that looks like no other: clouds of colour and a few shapes, 440x330 pixels."""
    chance = random.Random(seed)
    clouds = Image.new("RGB", (6, 5))
    clouds.putdata([tuple(chance.randrange(256) for _ in range(3)) for _ in range(30)])
    picture = clouds.resize((440, 330), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(5):
        x, y, size = chance.randrange(360), chance.randrange(250), chance.randrange(40, 120)
        colour = tuple(chance.randrange(256) for _ in range(3))
        (pen.ellipse if chance.random() < 0.5 else pen.rectangle)((x, y, x + size, y + size), fill=colour)
    return picture


def picture_of(artwork: str, picture: str) -> Image.Image:
    whole = draw(artwork)
    if picture == "scan":
        return whole.resize((352, 264))
    if picture == "other":
        return draw(f"{artwork} studio copy")
    if picture == "detail":
        return whole.crop((40, 30, 410, 310))
    return whole


def write_pictures(truth: list[Truth], folder: Path) -> None:
    """Files with their description pages beside them, in a folder for each repository: commons, and a wiki's own."""
    for page in truth:
        if not page.image or page.picture == "absent":
            continue
        repository = folder / (page.language if page.picture == "local" else "commons")
        repository.mkdir(parents=True, exist_ok=True)
        path = repository / page.image
        if path.exists():
            continue
        picture_of(page.artwork, page.picture).save(path, quality=55 if page.picture == "scan" else 85)
        licence = "" if page.licence == "none" else f"{{{{{page.licence}}}}}"
        author = AUTHORS.get(page.licence, "")
        fields = f"|description={page.artwork}\n|source=<i>Own</i> scan\n|author={author}"
        path.with_suffix(".txt").write_text(f"{{{{Information\n{fields}\n}}}}\n{licence}\n", encoding="utf-8")
    flag = Image.new("RGB", (46, 30), (200, 30, 40))
    flag.save(folder / "commons" / "Flag of Vell.png")
    assert (folder / "commons" / file_name("Black Orchard", "same")).exists()
