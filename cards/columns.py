"""What the columns of the datasets hold, for their cards: one text for one name, whatever recipe writes it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cards.dataset import Shard

_HOLDS = {
    "id": "the row's identifier, made from its content and its source; the same in every build",
    "image": "the image (as bytes and file name), or the path of its file",
    "image_path": "where the image lies in the source dataset",
    "conversations": "the turns, each with `from` (`human` or `gpt`) and `value`; the first begins with "
    "`<image>`. Boxes are `[x1, y1, x2, y2]`, shares of the image's width and height, origin at the top left",
    "task_name": "the task, by its name in the source dataset",
    "split": "the split that the row belongs to",
    "source": "the row before translation, as JSON",
    "translations": "every translated field: `field`, `source`, `target`, the translator's `score` and, in `by`, "
    "whether it is from the machine, a glossary, or left as it is",
    "translator": "the model that translated the row",
    "translator_revision": "the model's revision",
    "checks": "what the filters measured: `filter`, `field` and `figure`",
    "text_id": "the record's name, the same in every build",
    "title": "the article's title",
    "en_title": "the title of the English article about the same artwork",
    "lang": "the language of the article that the gold text is from, or is paired with",
    "language": "the article's language",
    "source_lang": "the language of the prompt",
    "target_lang": "the language of the gold text",
    "template": "the template that the prompt was made with",
    "prompt": "what the model is asked",
    "gold": "the section's text, as people wrote it",
    "gold_entity": "the linked entities in the text, as the text names them, in order",
    "entity_targets": "the titles of the articles that those entities link to",
    "level": "0 the lead, 1 a section, 2 a subsection, 3 a subsubsection",
    "section_index": "the section's place in the article; 0 is the lead",
    "path": "the section's headings, outermost first",
    "sections": "the article's sections: `index`, `level`, `path` (headings, outermost first), `text` and its `links`",
    "artwork": "what the article is about: its Wikidata item, or the English page where there is none",
    "qid": "the Wikidata item; empty where there is none",
    "page_id": "the article's number in its wiki",
    "revision": "the revision of the article that was read",
    "page_url": "the article's address",
    "image_url": "where the image can be had",
    "en_image_url": "where the English article's image can be had",
    "thumbnail_url": "where a small copy of the image can be had",
    "image_file": "the name of the image's file in its wiki",
    "sha1": "the SHA-1 digest of the image's file",
    "repository": "where the image's file is: `local` to the wiki, or `shared` by all",
    "text_licence": "the text's licence",
    "licence": "the image's licence, as its description page states it; empty where it states none",
    "image_licence": "the image's licence, as its description page states it; empty where it states none",
    "licence_url": "the address of that licence",
    "author": "the image's author, as its description page names them",
    "credit": "where the image is from, as its description page says",
    "description_url": "the image's description page",
    "edits": "how often the article was edited",
    "views": "how often people looked at the article in the build's months",
    "versions": "the language versions that the article has",
    "links": "the distinct articles that the text links to",
    "references": "the references of the article",
    "bytes": "the length of the article's wikitext",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    holds: str


def described(shards: Sequence[Shard]) -> list[tuple[list[str], list[Column]]]:
    """The columns of every schema, with the configurations that have it."""
    schemas: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for shard in shards:
        names = schemas.setdefault(shard.columns, [])
        if shard.config not in names:
            names.append(shard.config)
    return [
        (names, [Column(name, kind.replace("<element: ", "<"), _HOLDS.get(name, "")) for name, kind in columns])
        for columns, names in schemas.items()
    ]
