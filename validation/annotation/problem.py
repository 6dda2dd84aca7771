"""What stops a command of this package: said in one line, with what to do."""


class Problem(Exception):
    """Something that is not as it must be; the message names the file, row or field, and says what to do."""
