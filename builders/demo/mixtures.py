"""Writes small datasets to mix: drawn shapes, talked about in Italian, or in Basque and English, and a few texts alone.

They have the forms in which translated datasets are published, and none of anybody's content.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from builders.demo.drawing import COLOURS, new_canvas

Paths = tuple[str, ...]
SIDE = 96
SHAPES = {"circle": ("un cerchio", "zirkulu"), "square": ("un quadrato", "karratu"), "star": ("una stella", "izar")}
HUES = {"red": ("rosso", "gorri"), "blue": ("blu", "urdin"), "green": ("verde", "berde"), "yellow": ("giallo", "hori")}
NUMBERS = ("bat", "bi", "hiru", "lau", "bost", "sei")


def write_italian(folder: Path) -> tuple[Paths, Paths, Paths]:
    """What is to be mixed, what is for pretraining, and the folder of the images."""
    talks, tasks, captions = [], [], []
    for number, (shape, colour, image) in enumerate(_draw(folder / "images")):
        name, hue = SHAPES[shape][0], HUES[colour][0]
        shown = {"id": f"{number:06d}", "image": image}
        first, second = [("Che cosa si vede nell'immagine?", f"Nell'immagine si vede {name}."),
                         ("Di che colore è?", f"Il colore è {hue}.")]  # fmt: skip
        talks.append(shown | {"conversations": _talk((f"<image>\n{first[0]}", first[1]), second)})
        tasks.append(shown | {"task_name": "VQA_color", "conversations": _talk((f"<image>\n{second[0]}", hue))})
        captions.append(
            shown | {"conversations": _talk(("Descrivi brevemente l'immagine.\n<image>", f"{name}, {hue}"))}
        )
    inputs = (
        _write_json(folder / "llava_conversation_it.json", talks),
        _write_jsonl(folder / "multiinstruct_it.jsonl", tasks),
    )
    return inputs, (_write_json(folder / "llava_pretrain_it.json", captions),), (str(folder / "images"),)


def write_basque(folder: Path) -> tuple[Paths, Paths, Paths]:
    """What is to be mixed, the text-only sets as `language=path`, and the folder of the images."""
    asked = []
    for number, (shape, colour, image) in enumerate(_draw(folder / "images")):
        basque, hue = SHAPES[shape][1], HUES[colour][1]
        for question, answer, question_en, answer_en in (
            ("Zer ikusten da irudian?", f"Irudian {basque} {hue} bat ikusten da.",
             "What can be seen in the image?", f"The image shows a {colour} {shape}."),
            ("Zein koloretakoa da?", f"Kolorea {hue}a da.", "Which colour is it?", f"The colour is {colour}."),
        ):  # fmt: skip
            asked.append({"id": f"{number}", "image": image, "question": question, "answer": answer,
                          "question_en": question_en, "answer_en": answer_en})  # fmt: skip
    sums = [(one, two) for one in range(3) for two in range(3)]
    basque_texts = [{"messages": [{"role": "user", "content": f"Zenbat da {NUMBERS[one]} gehi {NUMBERS[two]}?"},
                                  {"role": "assistant", "content": f"Emaitza {NUMBERS[one + two + 1]} da."}]}
                    for one, two in sums]  # fmt: skip
    english_texts = [{"instruction": "Add the two numbers.", "input": f"{one + 1} and {two + 1}",
                      "output": f"The sum is {one + two + 2}."} for one, two in sums]  # fmt: skip
    texts = (f"eu={_write_jsonl(folder / 'instructions_eu.jsonl', basque_texts)}",
             f"en={_write_jsonl(folder / 'instructions_en.jsonl', english_texts)}")  # fmt: skip
    return (_write_jsonl(folder / "pixmo_ama_eus.jsonl", asked),), texts, (str(folder / "images"),)


def _draw(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Every shape in every colour: the shape, the colour, and the name of its file."""
    folder.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        for colour in HUES:
            canvas = new_canvas(SIDE, SIDE)
            pen = canvas.pen((16, 16, SIDE - 16, SIDE - 16))
            canvas.pen((0, 0, SIDE, SIDE)).rect(0, 0, 1, 1, COLOURS["white"])
            if shape == "circle":
                pen.oval(0, 0, 1, 1, COLOURS[colour])
            elif shape == "square":
                pen.rect(0, 0, 1, 1, COLOURS[colour])
            else:
                pen.poly([(0.5, 0), (0.65, 0.35), (1, 0.4), (0.75, 0.65), (0.8, 1), (0.5, 0.82), (0.2, 1), (0.25, 0.65),
                          (0, 0.4), (0.35, 0.35)], COLOURS[colour])  # fmt: skip
            canvas.finish().save(folder / f"{colour}_{shape}.png")
            yield shape, colour, f"{colour}_{shape}.png"


def _talk(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"from": who, "value": text} for pair in pairs for who, text in zip(("human", "gpt"), pair, strict=True)]


def _write_json(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return str(path)


def _write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)
