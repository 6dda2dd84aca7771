"""Numbers in two languages: is every number of one text in the other, whatever its dress?

The same number is written 1,000.5 and 1.000,5, 2 and "due", 19th and XIX, 10:30 and 10.30, 3 pm and 15:00.
"""

import re
from collections import Counter
from collections.abc import Iterator

from validation.filters.texts import WORD

_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?!\d)")
_AFTERNOON = re.compile(r"\d\s?p\.?\s?m\b", re.IGNORECASE)
_DECADE = re.compile(r"(\d\d(\d0))['’]?s\b")
_NUMERAL = re.compile(r"\d++(?:[.,]\d++)*+")
_ROMAN = re.compile(r"\b(?=[XVI])(X{0,3})(IX|IV|V?I{0,3})(?=(?:er?|ème)?\b)")
_DECIMAL_POINT = frozenset({"en", "he", "hi", "ja", "ko", "ms", "mt", "sw", "ta", "th", "tl", "yue", "zh"})
_THOUSANDS_BLANK = frozenset({"bg", "cs", "es", "fi", "fr", "hu", "lt", "lv", "nb", "pl", "ru", "sk", "sv", "uk"})
# 0 to 20 in order, in all forms; after a semicolon those that are no cardinal, or mean something else besides.
_NUMBER_WORDS = {
    "en": """zero one;first/a/an two/both;second/pair/couple three;third four;fourth five;fifth six;sixth
        seven;seventh eight;eighth nine;ninth ten;tenth eleven twelve;dozen thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty;twentieth""",
    "it": """zero un/uno/una;primo/prima due;secondo/seconda/entrambi/entrambe/paio/coppia tre;terzo/terza
        quattro;quarto/quarta cinque;quinto/quinta sei;sesto/sesta sette;settimo/settima otto;ottavo/ottava
        nove;nono/nona dieci;decimo/decima undici dodici;dozzina tredici quattordici quindici sedici diciassette
        diciotto diciannove venti;ventesimo/ventesima""",
    "es": """cero un/uno/una;primer/primero/primera dos;segundo/segunda/ambos/ambas/par/pareja
        tres;tercer/tercero/tercera cuatro;cuarto/cuarta cinco;quinto/quinta seis;sexto/sexta
        siete;séptimo/séptima ocho;octavo/octava nueve;noveno/novena diez;décimo/décima once doce;docena trece
        catorce quince dieciséis diecisiete dieciocho diecinueve veinte;vigésimo""",
    "fr": """zéro un/une;premier/première deux;deuxième/second/seconde/paire/couple trois;troisième
        quatre;quatrième cinq;cinquième six;sixième sept;septième huit;huitième neuf;neuvième dix;dixième onze
        douze;douzaine treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt;vingtième""",
    "de": """null ein;erst zwei;beide/paar/doppel drei;dritt vier fünf sechs sieben;siebt acht neun zehn elf
        zwölf;dutzend dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig""",
    "eu": """zero bat;lehen bi hiru lau bost;bosgarren sei zazpi zortzi bederatzi hamar hamaika hamabi;dozena
        hamahiru hamalau hamabost hamasei hamazazpi hemezortzi;hamazortzi hemeretzi hogei""",
    "ru": """ноль/нуля один/одна/одно/одну/одного/одной/одном;первый/первая/первое/первом/первого/первой/первую
        два/две/двух/двум/двумя/двое/двоих;второй/вторая/второе/втором/второго/вторую/оба/обе/обоих/обеих/пара/пару
        три/трёх/трех/трём/тремя/трое/троих;третий/третья/третье/третьем/третьего/третью
        четыре/четырёх/четырех/четырьмя/четверо;четвёртый/четвертый/четвёртая/четвёртом/четвёртого
        пять/пяти/пятью/пятеро;пятый/пятая/пятом/пятого шесть/шести/шестью/шестеро;шестой/шестая/шестом/шестого
        семь/семи/семеро;седьмой/седьмая/седьмом восемь/восьми/восемью;восьмой/восьмая/восьмом
        девять/девяти/девятью;девятый/девятая/девятом десять/десяти/десятью;десятый/десятая/десятом
        одиннадцать/одиннадцати двенадцать/двенадцати;дюжина/дюжину тринадцать/тринадцати
        четырнадцать/четырнадцати пятнадцать/пятнадцати шестнадцать/шестнадцати семнадцать/семнадцати
        восемнадцать/восемнадцати девятнадцать/девятнадцати двадцать/двадцати;двадцатый/двадцатом""",
}
_TABLES = {
    language: {form: str(value) for value, forms in enumerate(row.split()) for form in re.split("[/;]", forms)}
    for language, row in _NUMBER_WORDS.items()
}
_CARDINALS = {
    language: {
        form: str(value)
        for value, forms in enumerate(row.split())
        for form in forms.partition(";")[0].split("/")
        if value >= 2
    }
    for language, row in _NUMBER_WORDS.items()
}
_SMALL = frozenset(_TABLES["en"].values())
_WITHOUT_ARTICLES = frozenset({"ru", "uk"})  # "1 million" is "миллион"
_JOINS_WORDS = frozenset({"de", "eu"})  # a number word begins a longer one: "zweistöckig", "hiruak"


def differing_numerals(source: str, target: str, from_language: str, to_language: str) -> float | None:
    """Numerals lost or invented, whichever are more, and number words changed; None where there is nothing to compare.

    Languages are ISO 639 codes. Where a language has no table of number words, a numeral up to 20 may
    vanish but not change. A number word may vanish ("two" in "dual"), but "two" may not become "quattro".
    """
    clock = {f"{hour}.{minute}" for hour, minute in _CLOCK.findall(source)}
    tokens, translated = _numerals(source, from_language), _numerals(target, to_language)
    copied = set(tokens) & set(translated)
    before = Counter(_values(tokens, from_language, copied, clock))
    after = Counter(_values(translated, to_language, copied, clock))
    worded, reworded = _cardinals(source, from_language), _cardinals(target, to_language)
    if not before and not after and not (worded and reworded):
        return None
    told, retold = _said(source, from_language), _said(target, to_language)
    lost, added = before - after - retold, after - before - told
    for value, other in _other_dresses(source, lost):
        if lost[value] and added[other]:
            lost, added = lost - Counter([value]), added - Counter([other])
    if to_language in _WITHOUT_ARTICLES:
        del lost["1"]
    if to_language not in _TABLES and not added:
        lost = Counter({value: count for value, count in lost.items() if value not in _SMALL})
    changed = min((worded - retold - after).total(), (reworded - told - before).total())
    return float(max(lost.total(), added.total()) + changed)


def _numerals(text: str, language: str) -> list[str]:
    """The numerals of a text as written, in ASCII digits and without blanks between thousands."""
    blanks = "\u00a0\u202f " if language in _THOUSANDS_BLANK else "\u00a0\u202f"
    tokens = _NUMERAL.findall(re.sub(rf"(?<=\d)[{blanks}](?=\d{{3}}(?!\d))", "", text))
    return ["".join(str(int(sign)) if sign.isdecimal() else sign for sign in token) for token in tokens]


def _values(tokens: list[str], language: str, copied: set[str], clock: set[str]) -> Iterator[str]:
    """The numbers that numerals stand for; those `copied` as they are stand for themselves.

    `clock` holds the "10.30" of every 10:30 in the source.
    """
    for token in tokens:
        groups = [token] if token in copied else re.split("[.,]", token)
        if len(groups) > 1 and token.replace(",", ".") not in clock:
            groups = _read(groups, re.findall("[.,]", token), "." if language in _DECIMAL_POINT else ",")
        yield from (group.lstrip("0") or "0" for group in groups if group != "00")


def _read(groups: list[str], signs: list[str], decimal: str) -> list[str]:
    """The numbers in groups of digits with signs between: [1000.5] for 1,000.5, [3, 4, 5] for 3,4,5."""
    thousands = len(groups[-1]) == 3 and len(groups[0]) <= 3 and groups[0] != "0" and signs[-1] != decimal
    has_fraction = signs.count(signs[-1]) == 1 and (len(set(signs)) == 2 or not thousands)
    whole, fraction = (groups[:-1], groups[-1].rstrip("0")) if has_fraction else (groups, "")
    if any(len(group) != 3 for group in whole[1:]):
        return groups
    return ["".join(whole) + (f".{fraction}" if fraction else "")]


def _said(text: str, language: str) -> Counter[str]:
    """The values of the number words and the Roman numerals in a text."""
    values = Counter(
        str(10 * len(tens) + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX").index(ones))
        for tens, ones in _ROMAN.findall(text)
    )
    table = _TABLES.get(language, {})
    for word in WORD.findall(text.casefold()):
        ends = range(min(len(word), 14), 1, -1) if language in _JOINS_WORDS else (len(word),)
        values.update([table[word[:end]] for end in ends if word[:end] in table][:1])
    return values


def _cardinals(text: str, language: str) -> Counter[str]:
    """The values of the words of a text that are a number from 2 to 20 and nothing else."""
    table = _CARDINALS.get(language, {})
    return Counter(table[word] for word in WORD.findall(text.casefold()) if word in table)


def _other_dresses(source: str, values: Counter[str]) -> list[tuple[str, str]]:
    """(a number of the source, how a translation may write it): 1990s as 90, 3 pm as 15."""
    hours = _SMALL & values.keys() if _AFTERNOON.search(source) else frozenset()
    return [*_DECADE.findall(source), *((hour, str(int(hour) + 12)) for hour in sorted(hours))]
