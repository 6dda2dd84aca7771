"""What the columns of the datasets hold, for their cards: one text for one name, whatever recipe writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cards.dataset import Shard
from cards.text import language_name

_HOLDS = {
    "id": "the row's identifier, made from its content and its source; the same in every build",
    "image": "the image, as bytes and the name of its file; nothing where there is none",
    "image_path": "where the image lies in the source dataset",
    "conversations": "the turns, each with `from` (`human` or `gpt`) and `value`; `<image>` stands where the image "
    "belongs",
    "task_name": "the task, by its name in the source dataset",
    "split": "the split that the row belongs to",
    "source": "the row before translation, as JSON",
    "translations": "every translated field: `field`, `source`, `target`, the translator's `score` and, in `by`, "
    "whether it is from the machine, a glossary, a person who corrected it (human), or left as it is",
    "translator": "the model that translated the row",
    "translator_revision": "the model's revision",
    "checks": "what the filters measured: `filter`, `field` and `figure`",
    "answer": "the answer",
    "answer_type": "what kind of answer it is, as the source says: yes/no, number or other",
    "answers": "the answers, each with the confidence of whoever gave it as the source has it",
    "caption": "what is in the image",
    "choices": "the options",
    "correct_choice_idx": "which of `choices` is right, 0 for the first; nothing where the source keeps it secret",
    "dataset": "the dataset that the row is from",
    "difficult_direct_answer": "whether the source leaves the question out where no options are given",
    "image_id": "the number of the image in the source dataset",
    "image_sha256": "the SHA-256 digest of the image's file, as the source has it",
    "instruction": "what somebody asked about the image",
    "multiple_choice_answer": "the answer that most people gave",
    "question": "the question",
    "question_id": "the question's identifier in the source dataset",
    "question_type": "how the question begins in English, as the source sorts them",
    "source_language": "the language of the source's text, as the source names it",
    "alignments": "the alignment sets that the article is in",
    "artwork": "what the article is about: its Wikidata item, or the English page where there is none",
    "edits": "how often the article was edited",
    "en_image_url": "where the image of the English article about the same artwork can be had",
    "en_title": "the title of the English article about the same artwork",
    "entity_targets": "the titles of the articles that the entities of `gold_entity` link to",
    "gold": "the section's text, as people wrote it",
    "gold_entity": "the linked entities of the text, as the text names them, in order",
    "image_author": "the image's author, as its description page names them",
    "image_credit": "where the image is from, as its description page says",
    "image_file": "the name of the image's file in its wiki",
    "image_height": "the image's height in pixels",
    "image_licence": "the image's licence, as its description page states it; empty where it states none",
    "image_licence_url": "the address of that licence",
    "image_mime": "the image's media type",
    "image_page": "the image's description page",
    "image_repository": "shared, if the file lies where all wikis find it, such as Wikimedia Commons; else local",
    "image_sha1": "the SHA-1 digest of the image's file",
    "image_url": "where the image can be had",
    "image_width": "the image's width in pixels",
    "lang": "the language of the article that the record is about",
    "language": "the language of the row's text",
    "length": "the length of the article's wikitext in bytes",
    "level": "0 for the lead, 1 for a section, 2 for a subsection, 3 for a subsubsection",
    "links": "the distinct articles that the text links to",
    "page_id": "the article's number in its wiki",
    "page_url": "the address of the article at the revision that was read",
    "path": "the section's headings, outermost first; empty for the lead",
    "prompt": "what the model is asked",
    "qid": "the Wikidata item of the artwork; empty where there is none",
    "references": "how many references the article has",
    "revision": "the revision of the article that was read",
    "section_index": "the section's place in the article, 0 for the lead",
    "sections": "the article's sections: `index`, `level`, `path` (headings, outermost first), `text` and its `links`",
    "source_lang": "the language of the prompt",
    "target_lang": "the language of the gold text",
    "template": "the template that the prompt was made with",
    "text_id": "the record's number, the same in every build and configuration",
    "text_licence": "the text's licence",
    "text_licence_url": "the address of that licence",
    "title": "the article's title",
    "versions": "how many languages have an article about the artwork; 0 where that is not known, as from dumps",
    "views": "how often the article was looked at in the months of the build",
}


def image_column(shards: Sequence[Shard]) -> str:
    """The column that has the images, or else the one that says where they are; "" where there is neither."""
    columns = {name: kind for shard in shards for name, kind in shard.columns}
    embedded = ["image"] if columns.get("image", "").startswith("struct") else []
    return next((name for name in (*embedded, "image_url", "image_path") if name in columns), "")


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    holds: str


def original_language(shards: Sequence[Shard], source: str) -> str:
    """`source`, where the dataset holds the text of that language too, as a configuration or in columns beside."""
    beside = {name for shard in shards for name, _ in shard.columns if name.endswith(f"_{source}")}
    return source if beside or any(shard.config == source for shard in shards) else ""


def described(
    shards: Sequence[Shard], own: Mapping[str, str] = MappingProxyType({}), source: str = "en"
) -> list[tuple[list[str], list[Column]]]:
    """The columns of every schema, with the configurations that have it; `own` are what a recipe says of some."""
    schemas: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for shard in shards:
        names = schemas.setdefault(shard.columns, [])
        if shard.config not in names:
            names.append(shard.config)
    return [
        (
            names,
            [Column(name, kind.replace("<element: ", "<"), _holds(name, kind, own, source)) for name, kind in columns],
        )
        for columns, names in schemas.items()
    ]


def _holds(name: str, kind: str, own: Mapping[str, str], source: str) -> str:
    if name in own:
        return own[name]
    if name == "image" and not kind.startswith("struct"):
        return _HOLDS["image_path"]
    if name in _HOLDS:
        return _HOLDS[name]
    return f"`{name.removesuffix(f'_{source}')}` in {language_name(source)}" if name.endswith(f"_{source}") else ""
