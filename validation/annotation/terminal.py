"""What a dataset or an annotator wrote, as a terminal can show it."""


def printable(text: str) -> str:
    """The text with every character that a terminal would obey, and not show, as its escape; line ends stay."""
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
