"""MultiExpArt: artworks explained in ten languages, from Wikipedia, as in "Multilingual explanation of artworks".

Articles with the artwork infobox on English Wikipedia and their counterparts in other languages become a tree of
sections with linked entities. Pages without a picture in the infobox, red links and stubs are left out. Every section
is asked for by four templates at three levels, in the language of the instruction and of the text. Artworks
whose pages show the same picture in all languages of a set are a test set of their own; English pages are split 6:2:2
so that page views, links, edits, references, language versions and length are alike.
"""

from dataclasses import dataclass

from builders.engine import Stage, flag, main
from builders.stages.crawl import CrawlPages
from builders.stages.crawl_config import CrawlConfig, alignment_sets
from builders.stages.list_pages import ListPages
from builders.stages.pictures import Pictures
from builders.stages.publish_artworks import PublishArtworks
from builders.stages.thumbnails import Thumbnails
from builders.stages.wiki import WikiDoor
from builders.transforms.artworks.records import DIRECTIONS

NAME = "multiexpart"
EXAMPLES = """examples:
  python builders/multiexpart.py --contact me@example.org --output out/multiexpart --dry-run
      what it is about: the pages, and how many requests and hours the rest takes
  python builders/multiexpart.py --contact me@example.org --languages en,it,ja --limit 100 --output out/trial
      a hundred artworks in three languages, from Wikipedia
  python builders/multiexpart.py --wiki-base http://127.0.0.1:8800 --languages en,it,ja --contact me@example.org \\
      --output OUT
      the same from a family of wikis elsewhere
  python builders/multiexpart.py … --output OUT2 --cache OUT/crawl/cache.sqlite
      a month later: only what has changed is asked for
  python builders/multiexpart.py … --output OUT2 --cache OUT/crawl/cache.sqlite --decisions decisions.json
      with what people decided on OUT/review/alignment.html"""


@dataclass(frozen=True)
class Config(CrawlConfig):
    """The flags of this recipe, beside those of every crawl."""

    alignments: tuple[str, ...] = flag(
        (), "sets of languages to align, each parted by commas (default: all, and en,es,fr,it,ja)", metavar="SET"
    )
    decisions: str = flag("", "what people decided on the review page of an earlier build", paths=True, metavar="FILE")
    directions: tuple[str, ...] = flag(
        DIRECTIONS, "languages of instruction and text, L being another than the source language", choices=DIRECTIONS
    )
    rows_per_file: int = flag(10_000, "rows a published file", above=0, metavar="N")


def stages(config: Config) -> list[Stage]:
    """List, crawl, thumbnails, pictures (last, since nobody wants to carry them), publish."""
    door, source = WikiDoor(), config.source_language
    sets = alignment_sets(config.alignments, config.wanted_languages)
    embed = config.images == "embed"
    listing, thumbnails = ListPages(config, door), Thumbnails(sets, source, door)
    return [
        listing,
        CrawlPages(config, listing, door),
        thumbnails,
        *([Pictures(door, thumbnails.schema)] if embed else []),
        PublishArtworks(
            sets, source, directions=config.directions, decisions=config.decisions,
            rows_per_file=config.rows_per_file, seed=config.seed, embed=embed, card=NAME,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main(NAME, Config, stages, __doc__, EXAMPLES)
