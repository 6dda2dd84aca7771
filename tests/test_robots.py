"""What owners ask: robots.txt as RFC 9309 reads it, and the X-Robots-Tag header."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.robots import OPT_OUT, matches, opted_out, read_rules

GROUPS = """
User-agent: otherbot
Disallow: /

User-Agent: BabelVision   # that is us
User-agent: friend
Disallow: /private/
Allow: /private/open/
Disallow: /*.gif$
Crawl-delay: 10

User-agent: babelvision
Disallow: /later

User-agent: *
Disallow: /everybody
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private/a.jpg", False),
        ("/private/open/a.jpg", True),
        ("/a.gif", False),
        ("/a.gif?x=1", True),
        ("/later.jpg", False),
        ("/everybody", True),
    ],
)
def test_the_groups_that_name_us_are_merged_and_the_longest_rule_decides(path: str, allowed: bool) -> None:
    assert read_rules(GROUPS).allows(path) is allowed


def test_a_crawler_that_is_not_named_follows_the_rules_for_everybody() -> None:
    rules = read_rules(GROUPS, token="newcomer")
    assert not rules.allows("/everybody/a.jpg")
    assert rules.allows("/private/a.jpg")


def test_no_rules_allow_everything_and_an_allow_wins_a_draw() -> None:
    assert read_rules("").allows("/a")
    assert read_rules("User-agent: *\nDisallow:").allows("/a")
    assert read_rules("\ufeffUser-agent: *\nDisallow: /a\nAllow: /a").allows("/a")
    assert not read_rules("\ufeffUser-agent: *\nDisallow: /a").allows("/a")
    assert read_rules("Disallow: /\n<html>not found</html>").allows("/a")


@given(st.text("ab*$/", max_size=8), st.text("ab/", max_size=12))
def test_a_pattern_matches_as_the_regular_expression_it_stands_for(pattern: str, path: str) -> None:
    anchored = pattern.endswith("$")
    body = "".join(".*" if sign == "*" else re.escape(sign) for sign in pattern.removesuffix("$"))
    assert matches(pattern, path) == bool(re.compile(body + ("$" if anchored else "")).match(path))


def test_a_pattern_that_would_hang_a_regular_expression_does_not() -> None:
    assert not matches("/" + "*a" * 2000 + "*b", "/" + "a" * 4000)


@given(st.text(max_size=300))
def test_any_text_is_a_robots_txt(text: str) -> None:
    read_rules(text).allows("/a.jpg")


@pytest.mark.parametrize(
    ("values", "directive"),
    [
        (["noai"], "noai"),
        (["nofollow, NoImageAI"], "noimageai"),
        (["all", "noml"], "noml"),
        (["none"], "none"),
        (["babelvision: noindex"], "noindex"),
        (["BabelVision: nofollow, noai"], "noai"),
        (["*: noai"], "noai"),
        (["otherbot: noindex, noai"], ""),
        (["otherbot: noindex, babelvision: noai"], "noai"),
        (["max-image-preview: none"], ""),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noimageindex"], "noimageindex"),
        (["nofollow"], ""),
        ([], ""),
        ([""], ""),
    ],
)
def test_x_robots_tag(values: list[str], directive: str) -> None:
    assert opted_out(values) == directive


@given(st.lists(st.text(max_size=50), max_size=3))
def test_only_a_known_directive_is_ever_found(values: list[str]) -> None:
    assert opted_out(values) in OPT_OUT | {""}
