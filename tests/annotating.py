"""Packages to judge, and a person before the page: helpers of the tests that drive an annotator's page in Chromium."""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from validation.annotation.package import Item, Package, Text, Turn
from validation.annotation.page import page

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WRITTEN = 300  # Milliseconds: a browser writes what a page keeps a moment later.
TWICE = 500  # Milliseconds: a click on a label so soon after an item came is the second of a double click.


def picture(number: int) -> str:
    data = io.BytesIO()
    Image.new("RGB", (320, 200), (5 * number, 120, 200 - 3 * number)).save(data, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


def item(number: int) -> Item:
    return Item(
        item_id=f"it-{number:04d}",
        texts=(
            Text("question", f"What is number {number}?", f"Zer da {number}. zenbakia?"),
            Text("options.0", "a house", "etxe bat"),
            Text("options.1", "a tree", "zuhaitz bat"),
        ),
        conversation=(Turn("human", f"<image>\nZer da {number}. zenbakia?"), Turn("gpt", "etxe bat")),
        boxes=((0.1, 0.2, 0.5, 0.6), (0.5, 0.5, 0.9, 1.0)),
        image=picture(number),
        width=320,
        height=200,
    )


def package(*items: Item, **changes: Any) -> Package:
    made = Package("toy.round-1.ane", "ane", "accept", "A toy", "en", "en", "", items)
    return replace(made, **changes)


def write(folder: Path, made: Package) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made.package_id}.html"
    path.write_text(page(made), encoding="utf-8")
    return path.as_uri()


class Watch:
    """What a page asked for, and what went wrong in it."""

    def __init__(self, context: Any) -> None:
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.dialogs: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("console", lambda said: self.wrong.append(said.text))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        context.on("dialog", self._dialog)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"
        )

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.type)
        dialog.accept()

    def check(self) -> None:
        assert self.wrong == []
        assert all(url.startswith(("file:///", "data:image/jpeg", "blob:")) for url in self.asked)
        assert set(self.dialogs) <= {"beforeunload"}


@contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A tab on a page in a profile of its own, past the guidelines; what it did is checked at the end."""
    context = browser.new_context(**({"locale": "en-GB", "viewport": {"width": 1280, "height": 800}} | options))
    watch = Watch(context)
    tab = context.new_page()
    tab.watch = watch
    tab.goto(address)
    tab.keyboard.press("Enter")
    yield tab
    context.close()
    watch.check()


def press(tab: Any, keys: str) -> None:
    for key in keys.split():
        tab.keyboard.press(key)


def export(tab: Any, into: Path, keys: str = "x") -> dict[str, Any]:
    """Export by key; the file's content."""
    with tab.expect_download() as download:
        press(tab, keys)
    download.value.save_as(into / download.value.suggested_filename)
    return read(into / download.value.suggested_filename)


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def reload(tab: Any) -> None:
    tab.wait_for_timeout(WRITTEN)
    tab.reload()


def resume(tab: Any, path: Path) -> str:
    press(tab, "o")
    tab.locator("#status").evaluate("status => { status.textContent = '' }")  # what an earlier step said
    tab.locator("#resume").set_input_files(path)
    expect(tab.locator("#status")).not_to_be_empty()
    said: str = tab.locator("#status").inner_text()
    press(tab, "Escape")
    return said


def heading(tab: Any) -> str:
    text: str = tab.locator("h1:visible").inner_text()
    return text


def arrive(tab: Any, at: str) -> None:
    """Wait until the page stands at an item and takes a click on a label."""
    expect(tab.locator("#item h1")).to_have_text(at)
    tab.wait_for_timeout(TWICE)
