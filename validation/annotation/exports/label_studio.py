"""A package as Label Studio tasks with the labelling interface for them, and Label Studio's exports back.

The interface is the same for every package of a kind, so that no text of a dataset is ever part of it: texts, boxes and
names come from a task's data by `$variables`, and `Repeater` shows as many as an item has. A task's data can be seen in
the Data Manager by whoever labels; it says nothing that the page does not say.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from validation.annotation.exports import Export, shared
from validation.annotation.package import LABELS, REASONS, Item, Package, Task
from validation.annotation.problem import Problem
from validation.annotation.reading import load_json, shown
from validation.annotation.rounds import Judgement, write_json

_LAYOUT = """<View>
  <Style>
    .sides {{ display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.5em; }}
    .sides .still {{ position: sticky; top: 0; align-self: start; }}
  </Style>
  <View className="sides">
    <View className="still">
      <Repeater on="$images" indexFlag="{{{{idx}}}}">
        <Image name="image_{{{{idx}}}}" value="$images[{{{{idx}}}}].image" zoom="true" maxWidth="100%"/>
      </Repeater>
      <Header value="$image_note" size="6"/>
{verdict}
      <TextArea name="comment" toName="conversation" placeholder="comment" rows="2" maxSubmissions="1" editable="true"/>
    </View>
    <View>
{texts}
      <Repeater on="$votes" indexFlag="{{{{idx}}}}">
        <Header value="$votes[{{{{idx}}}}].title" size="6"/>
        <Text name="vote_{{{{idx}}}}" value="$votes[{{{{idx}}}}].text" selectionEnabled="false"/>
      </Repeater>
      <Collapse>
        <Panel value="guidelines">
          <Text name="guidelines" value="$guidelines" selectionEnabled="false"/>
        </Panel>
        <Panel value="conversation">
          <Text name="conversation" value="$conversation" selectionEnabled="false"/>
        </Panel>
      </Collapse>
    </View>
  </View>
</View>
"""
_LABEL = """      <Choices name="label" toName="conversation" choice="single-radio" required="true" showInline="true">
{choices}
      </Choices>"""
_REASONS = """      <Choices name="reasons" toName="conversation" choice="multiple" showInline="true"
               visibleWhen="choice-selected" whenTagName="label" whenChoiceValue="reject">
{choices}
      </Choices>"""
_TEXTS = """      <Repeater on="$texts" indexFlag="{{idx}}">
        <Header value="$texts[{{idx}}].name · $source_language" size="6"/>
        <Text name="source_{{idx}}" value="$texts[{{idx}}].source" selectionEnabled="false"/>
        <Header value="$texts[{{idx}}].name · $target_language" size="6"/>
        <Text name="target_{{idx}}" value="$texts[{{idx}}].target" selectionEnabled="false"/>"""
_CORRECTED = """
        <TextArea name="corrected_{{idx}}" toName="target_{{idx}}" placeholder="corrected text" rows="1"
                  maxSubmissions="1" editable="true"/>"""
_ANSWERS = """
      <Header value="left" size="5"/>
      <Text name="left" value="$left" selectionEnabled="false"/>
      <Header value="right" size="5"/>
      <Text name="right" value="$right" selectionEnabled="false"/>"""
_REASON_KEYS = "qwert"


def write(package: Package, folder: Path) -> list[Path]:
    """Write `<annotator>.json`, the tasks to import, and `config.xml`, the labelling interface of the project."""
    sha256 = package.sha256
    tasks = folder / f"{package.annotator}.json"
    write_json(tasks, [{"data": _data(package, sha256, item)} for item in package.items])
    interface = folder / "config.xml"
    interface.write_text(config(package.task), encoding="utf-8", newline="\n")
    return [tasks, interface]


def read(path: Path, annotator: str = "") -> list[Export]:
    """The judgements in an export as JSON or JSON_MIN; skipped tasks are not judged.

    Of several annotations of a task the newest counts, but all of a package must be by one person: Label Studio's
    numbers for people say nothing, so that it is `annotator` who judged, or nobody ("").
    """
    newest: dict[tuple[str, str, str], Judgement] = {}
    people: dict[str, str] = {}
    for where, data, annotation in _annotations(path):
        package_id, sha256, item_id = shared.parse_identity(data, where)
        who = shown(annotation.get("completed_by", annotation.get("annotator")))
        if people.setdefault(package_id, who) != who:
            raise Problem(
                f"{where}: {package_id} is annotated by users {people[package_id]} and {who}, but a package is for one "
                "annotator; delete the annotations of all others in Label Studio and export again"
            )
        judgement = _judgement(item_id, data, annotation, where)
        key = package_id, sha256, item_id
        if key not in newest or judgement.at > newest[key].at:
            newest[key] = judgement
    found = (shared.Found(package_id, sha256, annotator, each) for (package_id, sha256, _), each in newest.items())
    return shared.as_exports(found, path)


def config(task: Task) -> str:
    """The labelling interface, in Label Studio's XML."""
    verdict = _LABEL.format(choices=_choices(LABELS[task], "123"))
    texts = _TEXTS + (_CORRECTED if task == "accept" else "") + "\n      </Repeater>"
    if task == "accept":
        verdict += "\n" + _REASONS.format(choices=_choices(REASONS, _REASON_KEYS))
    else:
        texts += _ANSWERS
    return _LAYOUT.format(verdict=verdict, texts=texts)


def _choices(values: Iterable[str], keys: str) -> str:
    return "\n".join(
        f'        <Choice value="{value}" hotkey="{key}"/>' for value, key in zip(values, keys, strict=True)
    )


def _data(package: Package, sha256: str, item: Item) -> dict[str, Any]:
    image = shared.data_uri(item)
    return {
        **shared.identity(package.package_id, sha256, item.item_id),
        "source_language": package.source_language,
        "target_language": package.target_language,
        "images": [{"image": image}] if image else [],
        "image_note": shared.storable(item.image_note),
        "texts": [
            {"name": text.name, "source": shared.storable(text.source), "target": shared.storable(text.target)}
            for text in item.texts
        ],
        "votes": [{"title": f"vote {n}", "text": vote} for n, vote in enumerate(shared.votes(item), start=1)],
        "guidelines": shared.guidelines(package),
        "conversation": shared.conversation(item),
        **(
            {"left": shared.storable(item.left), "right": shared.storable(item.right)} if package.task == "pair" else {}
        ),
    }


def _annotations(path: Path) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Every annotation: where it is, its task's data, and itself with what it says by control."""
    for number, value in enumerate(shared.list_of(load_json(path), str(path)), start=1):
        where = f"{path}, task {number}"
        task = shared.mapping_of(value, where)
        if "annotations" not in task:
            if "data" in task:
                raise Problem(
                    f"{path}: these are the tasks, not Label Studio's export: export the project there as JSON, and "
                    "import that file"
                )
            if task.get("annotation_id", 0) is not None:  # JSON_MIN can hold tasks that nobody annotated
                yield where, task, task
            continue
        data = shared.mapping_of(task.get("data"), f"{where}, data")
        for each in shared.list_of(task["annotations"], f"{where}, annotations"):
            annotation = shared.mapping_of(each, f"{where}, annotations")
            if not annotation.get("was_cancelled"):
                yield where, data, {**annotation, **_by_control(annotation, where)}


def _by_control(annotation: Mapping[str, Any], where: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for each in shared.list_of(annotation.get("result"), f"{where}, result"):
        result = shared.mapping_of(each, f"{where}, result")
        control = shared.text_of(result.get("from_name"), f"{where}, from_name")
        if control in said:
            raise Problem(f"{where}: {shown(control)} is answered twice in one annotation")
        said[control] = result.get("value")
    return said


def _judgement(item_id: str, data: Mapping[str, Any], said: Mapping[str, Any], where: str) -> Judgement:
    labels = _words(said.get("label"), "choices", f"{where}, label")
    if len(labels) != 1:
        raise Problem(f"{where}, label: {shown(labels)}; one label is expected")
    reasons = shared.parse_reasons(_words(said.get("reasons"), "choices", f"{where}, reasons"), f"{where}, reasons")
    return Judgement(
        item_id,
        labels[0],
        reasons,
        _text(said, "comment", where),
        _corrections(data, said, where) or None,
        _milliseconds(said.get("lead_time"), f"{where}, lead_time"),
        shared.time_of(said.get("updated_at") or said.get("created_at"), f"{where}, updated_at"),
    )


def _corrections(data: Mapping[str, Any], said: Mapping[str, Any], where: str) -> dict[str, str]:
    texts = shared.list_of(data.get("texts"), f"{where}, texts")
    corrections = {}
    for number, text in enumerate(texts):
        name = shared.text_of(shared.mapping_of(text, f"{where}, texts").get("name"), f"{where}, texts, name")
        if corrected := _text(said, f"corrected_{number}", where):
            corrections[name] = corrected
    return corrections


def _text(said: Mapping[str, Any], control: str, where: str) -> str:
    texts = _words(said.get(control), "text", f"{where}, {control}")
    if len(texts) > 1:
        raise Problem(f"{where}, {control}: {len(texts)} texts; one is expected")
    return texts[0].strip() if texts else ""


def _words(value: Any, key: str, where: str) -> list[str]:
    """What a control says: alone, as a list, or either of them under `key`."""
    if isinstance(value, dict):
        value = value.get(key)
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [shared.text_of(each, where) for each in values]


def _milliseconds(seconds: Any, where: str) -> int:
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        raise Problem(f"{where}: {shown(seconds)} is no number of seconds")
    return round(seconds * 1000)
