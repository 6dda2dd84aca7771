"""Secrets kept out of what a program prints and logs: tokens, authorisations, and URLs that are a key by themselves.

The Hub's client does not print the token, but prints the whole URL of an upload when it tries again, and such a URL is
signed: who has it may write to that place. So nothing that this process says goes out unread.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

HIDDEN = "[redacted]"
# What a URL's query is signed with on S3, CloudFront, Google's and Azure's stores.
_SIGNED = (
    "X-(?:Amz|Goog)-[A-Za-z-]+|Signature|Policy|Key-Pair-Id|AWSAccessKeyId|GoogleAccessId|Expires|sig|access_token"
)
_SECRETS = (
    (re.compile(r"(?<![A-Za-z0-9])(?:hf|api_org)_(?:[a-z]+_)?[A-Za-z0-9]{16,}[\w.-]*"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)(\s+|%20)[^\s'\",;]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(rf"([?&;]|%26|%3F)({_SIGNED})(=|%3D)[^&\s'\"<>]+", re.IGNORECASE), rf"\1\2\3{HIDDEN}"),
)
_SHORTEST = 8


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """`text` without what looks like a secret, and without `secrets`."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


@contextmanager
def guarded(*secrets: str) -> Iterator[None]:
    """Within it, what is logged and what is written to stdout and stderr, tracebacks included, is redacted.

    Every record is redacted where it is made, so that handlers that a library sets up, with streams that they took
    before, get nothing else either. An error that would leave it is printed here, redacted, and ends the program.
    """
    make = logging.getLogRecordFactory()
    out, error = sys.stdout, sys.stderr
    logging.setLogRecordFactory(_careful(make, secrets))
    sys.stdout, sys.stderr = _Guarded(out, secrets), _Guarded(error, secrets)
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
    finally:
        sys.stdout, sys.stderr = out, error
        logging.setLogRecordFactory(make)


def _careful(make: Callable[..., logging.LogRecord], secrets: tuple[str, ...]) -> Callable[..., logging.LogRecord]:
    formatter = logging.Formatter()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit: logging itself says so when it formats them
            text = f"{record.msg} {record.args}"
        record.msg, record.args = redacted(text, secrets), None
        if record.exc_info and record.exc_info[0]:
            record.exc_text, record.exc_info = redacted(formatter.formatException(record.exc_info), secrets), None
        return record

    return made


class _Guarded:
    """A stream whose every written text is redacted. All else is the stream's own."""

    def __init__(self, stream: TextIO, secrets: tuple[str, ...]) -> None:
        self._stream, self._secrets = stream, secrets

    def write(self, text: str) -> int:
        self._stream.write(redacted(text, self._secrets))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
