"""How a download can end: every URL ends with exactly one of these codes.

The codes are names in other people's tables (`failed/`, reports, `--retry-failed timeout`), so they stay as they are;
a message beside the code says what is special about one URL.

One damage is called "success": bytes amiss inside a JPEG file that has its header and its end marker. Of those libjpeg
merely warns and paints grey or streaks, and Pillow passes no warning on; where the list has a sha256, that tells.
"""

CODES = {
    "success": "the image is there, whole, and what it was said to be",
    "robots_optout": "robots.txt or an X-Robots-Tag asks that it be left alone",
    "blocked": "not asked: no URL, a scheme, port or address that is not permitted, here or after a redirect",
    "dns": "the host's name does not resolve",
    "tls": "no trusted TLS connection, such as for an expired certificate",
    "connection": "refused, reset, or no HTTP",
    "timeout": "no connection, no answer, or an answer too slow",
    "http_404": "404, not found",
    "http_410": "410, gone for good",
    "http_4xx": "another refusal",
    "http_5xx": "a fault of the server, at every attempt",
    "rate_limited": "429, too many requests, at every attempt",
    "redirect_loop": "more redirects than are followed, or one to nowhere",
    "empty_body": "an answer without a byte",
    "truncated_body": "less than the server announced, or a file without its end",
    "too_large": "more bytes than are taken",
    "html": "a page where an image was expected",
    "not_an_image": "bytes that begin like no image we take",
    "too_many_pixels": "more pixels, or frames, than are decoded",
    "undecodable": "begins like an image, and is none that can be decoded",
    "sha256_mismatch": "an image, but other bytes than the list said",
}
MAY_HEAL = frozenset(
    {"dns", "tls", "connection", "timeout", "http_5xx", "rate_limited", "truncated_body", "empty_body"}
)  # that another day may end otherwise; what is not named here will end so again


class Failed(Exception):
    """An attempt that ended without an image.

    `again`: another attempt may end better. `wait`: the seconds that the server asked to wait first.
    """

    def __init__(self, code: str, message: str, again: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.again = again
        self.wait = wait
