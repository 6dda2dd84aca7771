"""Basque for the texts of `builders/demo/basque`, by hand, said by a chat server and by a translator of sentences.

Both only know these texts. Of anything else the server says nothing that can be taken, and the translator fails.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.lying_server import completion, says
from translators import Translation, Unit

PHRASES = {
    "A red cup and a green apple on the table in the kitchen.": (
        "Kopa gorri bat eta sagar berde bat sukaldeko mahai gainean."
    ),
    "A boy sits on a bench in the park, and a brown dog runs.": (
        "Mutil bat parkeko banku batean eserita dago, eta txakur marroi bat korrika dabil."
    ),
    "A woman walks past a blue bus and a red car.": (
        "Emakume bat autobus urdin baten eta auto gorri baten ondotik pasatzen da."
    ),
    "A child's yellow ball on the beach, next to a purple bag.": (
        "Haur baten pilota horia hondartzan, poltsa more baten ondoan."
    ),
    "Three ducks swim in front of a red boat.": "Hiru ahate igerian ari dira itsasontzi gorri baten aurrean.",
    "Two white cows and a brown horse in the field.": "Bi behi zuri eta zaldi marroi bat zelaian.",
    "A man waits on a bench, and the train is here.": "Gizon bat banku batean zain dago, eta trena hemen dago.",
    "What is on the kitchen table? Describe it for someone who cannot see the picture.": (
        "Zer dago sukaldeko mahai gainean? Deskribatu argazkia ikusi ezin duen norbaitentzat."
    ),
    "There is a red cup on the brown table. Next to it is a white plate with a green apple.": (
        "Kopa gorri bat dago mahai marroiaren gainean. Haren ondoan plater zuri bat dago, sagar berde batekin."
    ),
    "Why is the dog running?": "Zergatik dabil txakurra korrika?",
    "The dog may be running after the blue ball. The boy on the bench has perhaps thrown it.": (
        "Baliteke txakurra pilota urdinaren atzetik korrika ibiltzea. Agian bankuan dagoen mutilak bota du."
    ),
    "Is this a good day to go to the beach?": "Egun ona al da hau hondartzara joateko?",
    "Yes, the sun is shining. A child sits under a red umbrella, and a blue boat is on the sea.": (
        "Bai, eguzkia dago. Haur bat eguzkitako gorri baten azpian eserita dago, eta itsasontzi urdin bat itsasoan."
    ),
    "Write a short title for this picture.": "Idatzi izenburu labur bat argazki honentzat.",
    "Three ducks and a red boat on the lake": "Hiru ahate eta itsasontzi gorri bat aintziran",
    "What color is the cup?": "Zer koloretakoa da kopa?",
    "red": "gorria",
    "dark red": "gorri iluna",
    "How many apples are there?": "Zenbat sagar daude?",
    "Is the bus red?": "Autobusa gorria al da?",
    "Where is the boy sitting?": "Non dago mutila eserita?",
    "bench": "bankua",
    "on bench": "banku gainean",
    "on a bench": "banku batean",
    "park": "parkea",
    "What is under the umbrella?": "Zer dago eguzkitakoaren azpian?",
    "child": "haurra",
    "boy": "mutila",
    "kid": "umea",
    "What animals are in the water?": "Zer animalia daude uretan?",
    "ducks": "ahateak",
    "birds": "txoriak",
    "duck": "ahatea",
    "What is behind the bench?": "Zer dago bankuaren atzean?",
    "train": "trena",
    "red train": "tren gorria",
    "How many cows are there?": "Zenbat behi daude?",
    "What could the boy throw for the dog?": "Zer bota diezaioke mutilak txakurrari?",
    "ball": "pilota",
    "plate": "platera",
    "cup": "kopa",
    "pillow": "burkoa",
    "What does the umbrella protect the child from?": "Zertatik babesten du eguzkitakoak haurra?",
    "snow": "elurra",
    "sun": "eguzkia",
    "rain": "euria",
    "dogs": "txakurrak",
    "How many of the players are running?": "Zenbat jokalari ari dira korrika?",
    "What is the cat on the sofa doing?": "Zer ari da egiten sofako katua?",
    "eating": "jaten",
    "running": "korrika",
    "playing": "jolasean",
    "sleeping": "lotan",
    "Which animal here can a person ride?": "Hemengo zein animaliaren gainean ibil daiteke pertsona bat?",
    "cow": "behia",
    "horse": "zaldia",
    "cat": "katua",
    "What is the man on the bench waiting for?": "Zeren zain dago bankuko gizona?",
    "dinner": "afaria",
    "boat": "itsasontzia",
    "What is the pillow on?": "Zeren gainean dago burkoa?",
    "couch": "sofa",
    "sofa": "sofa",
    "table": "mahaia",
    "bed": "ohea",
    "Is there a red cup on the table?": "Ba al dago kopa gorririk mahai gainean?",
    "Is the bus green?": "Autobusa berdea al da?",
    "Is there a mirror in the bedroom?": "Ba al dago ispilurik logelan?",
    "Is the girl holding an umbrella?": "Neskak aterkia eskuan al du?",
    "Is the horse white?": "Zaldia zuria al da?",
    "Is the dog brown?": "Txakurra marroia al da?",
    "What could I cook with what is on this table?": "Zer prestatu nezake mahai honetan dagoenarekin?",
    "Write a short story about the woman in this picture.": (
        "Idatzi istorio labur bat argazki honetako emakumeari buruz."
    ),
    "Is it safe for the child to play here? Explain why.": (
        "Segurua al da haurrarentzat hemen jolastea? Azaldu zergatik."
    ),
    "What does this room say about who lives in it?": "Zer esaten du gela honek bertan bizi denari buruz?",
}
NUMBERED = re.compile(r"(?:\A|, )\d+\.")
REFUSAL = "Barkatu, ezin dut lagundu."


def in_basque(text: str) -> str:
    """The translation of a text, whatever its case; numbers stay. Raises `KeyError`."""
    if text.isdigit():
        return text
    return _BY_CASE[text.strip().casefold()]


_BY_CASE = {english.casefold(): basque for english, basque in PHRASES.items()}


class Basque:
    """A server's model: it answers the prompts of `translators/prompts`; `asked` are the queries so far."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        query = (await request.json())["messages"][-1]["content"]
        self.asked.append(query)
        try:
            answer = _answer(query)
        except KeyError:
            answer = REFUSAL
        return await says(completion(answer))(request)


def _answer(query: str) -> str:
    if '{"texts"' in query:
        texts = json.loads(query[query.index('{"texts"') :])["texts"]
        return json.dumps({"texts": [in_basque(text) for text in texts]}, ensure_ascii=False)
    if alone := re.fullmatch(r".* one line: (\S+) and then .*?\n(.*)", query, re.DOTALL):
        return f"{alone[1]} {in_basque(alone[2])}"
    question, _, answer = re.sub(r"\*\*", "", query).partition("Question:")[2].partition("Answer:")
    made = f"**Galdera:** {in_basque(question)}"
    items = NUMBERED.split(answer.strip())
    if len(items) > 1:
        listed = ", ".join(f"{number}.{in_basque(item)}" for number, item in enumerate(items[1:], 1))
        return f"{made} **Erantzuna:** {listed}"
    return f"{made} **Erantzuna:** {in_basque(answer)}" if answer else made


class Sentences:
    """A translator of single sentences that writes what it was asked into the file `log`."""

    together = False
    revision = "1"
    warning = None
    source = "en"

    def __init__(self, log: Path, target: str) -> None:
        self.name = "sentences"
        self.settings = {"source": "en", "target": target}
        self.log = log

    def count_tokens(self, units: Sequence[Unit]) -> int:
        return sum(len(text.split()) for unit in units for text in unit.texts)

    def translate(self, units: Sequence[Unit]) -> list[Translation]:
        with self.log.open("a", encoding="utf-8") as log:
            log.writelines(f"{text}\n" for unit in units for text in unit.texts)
        return [_translated(unit) for unit in units]


def _translated(unit: Unit) -> Translation:
    try:
        return Translation(tuple(map(in_basque, unit.texts)), score=-0.1)
    except KeyError as error:
        return Translation((), error=f"Unknown: {error}")


def make(model: str, target: str) -> Any:
    """For `--translator tests.basque:make`: `model` is the file of what was asked."""
    return Sentences(Path(model), target)
