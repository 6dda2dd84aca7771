"""The fixture `family`: one family of wikis for all tests of a session."""

from collections.abc import Iterator

import pytest

from tests.wiki.family import WikiFamily, what_is_missing, wiki_family


@pytest.fixture(scope="session")
def family() -> Iterator[WikiFamily]:
    if missing := what_is_missing():
        pytest.skip(missing)
    with wiki_family() as served:
        yield served
