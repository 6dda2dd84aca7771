"""The paths of `--fields`: what is written is what is read, what is found can be put back, and nothing else moves."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.transforms.paths import Path, PathError, find, name_of, parse_path, parse_paths, put, unknown

KEYS = st.text(max_size=6) | st.sampled_from(["a.b", "a b", " a", "[]", '"', "\\", ",", "0", "", "…", "a\nb"])
PATHS = st.builds(
    lambda first, rest: Path((first, *rest)), KEYS, st.lists(st.none() | KEYS, max_size=4).map(tuple)
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(PATHS, min_size=1, max_size=4, unique=True))
def test_a_path_is_read_as_it_is_written(paths: list[Path]) -> None:
    assert parse_paths([",".join(map(str, paths))]) == tuple(paths)
    assert parse_paths([str(path) for path in paths]) == tuple(paths)


def paths_of(value: Any, steps: tuple[str | None, ...] = ()) -> list[Path]:
    """Every path that fits a value: of each, its parts may be of other shapes."""
    if isinstance(value, dict):
        return [path for key, item in value.items() for path in paths_of(item, (*steps, key))]
    if isinstance(value, list) and value:
        return [Path(steps), *(path for item in value for path in paths_of(item, (*steps, None)))]
    return [Path(steps)]


@given(st.dictionaries(KEYS, JSON, max_size=4), st.text(max_size=3))
def test_what_is_found_is_there_and_can_be_put_back(record: dict[str, Any], text: str) -> None:
    for path in paths_of(record):
        try:
            places = find(path, record)
        except PathError:
            continue
        assert len({name_of(place) for place, _ in places}) == len(places), "names are unique"
        before = copy.deepcopy(record)
        for place, value in places:
            assert not isinstance(value, list | dict)
            changed = put(record, place, text)
            assert record == before, "what was given is not changed"
            if value is not None:  # nothing may stand on the way to a place, where a text does not fit
                assert dict(find(path, changed))[place] == text
            assert put(changed, place, value) == record, "and nothing else moved"


@given(st.dictionaries(KEYS, JSON, max_size=4), PATHS)
def test_a_path_that_does_not_fit_is_a_path_error(record: dict[str, Any], path: Path) -> None:
    said = str(path)
    try:
        find(path, record)
    except PathError as error:
        said = str(error)
    assert str(path) in said or "did you mean" in said
    unknown(path, record)


@pytest.mark.parametrize(
    ("path", "record", "found"),
    [
        ("q", {"q": "Who?"}, {"q": "Who?"}),
        ("q", {"q": ["a", "b"]}, {"q.0": "a", "q.1": "b"}),
        ("q[]", {"q": ["a", "b"]}, {"q.0": "a", "q.1": "b"}),
        ("q", {"q": [["a"], ["b", 3]]}, {"q.0.0": "a", "q.1.0": "b", "q.1.1": 3}),
        ("a.text", {"a": {"text": ["x"], "start": [7]}}, {"a.text.0": "x"}),
        ("c[].value", {"c": [{"value": "x"}, {"from": "gpt"}, {"value": None}]}, {"c.0.value": "x", "c.2.value": None}),
        ("c[].value", {"c": None}, {"c": None}),
        ("c[].value", {"c": []}, {}),
        ("c[].value", {}, {}),
        ('"a.b"', {"a.b": "x", "a": {"b": "y"}}, {'"a.b"': "x"}),
    ],
)
def test_what_a_path_names(path: str, record: dict[str, Any], found: dict[str, Any]) -> None:
    assert {name_of(place): value for place, value in find(parse_path(path), record)} == found


@pytest.mark.parametrize(
    ("path", "record", "said"),
    [
        ("c.value", {"c": [{"value": "x"}]}, "c holds a list, where c.value expects an object with the key 'value'; "
         "did you mean c[].value?"),
        ("c[].value", {"c": {"value": ["x"]}}, "c holds an object, where c[].value expects a list; "
         "did you mean c.value?"),
        ("c", {"c": [{"from": "gpt", "value": "x"}]}, "did you mean c[].from or c[].value?"),
        ("c[]", {"c": [{"from": "gpt", "value": "x"}]}, "did you mean c[].from or c[].value?"),
        ("a", {"a": {"text": ["x"]}}, "a holds an object, and a path ends at texts; did you mean a.text?"),
        ("c[].value", {"c": '[{"value": "x"}]'}, "JSON inside a text is not read"),
        ("a.b", {"a": 3}, "a holds a number"),
        ("a", {"a": b"x"}, "a holds bytes"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_write(path: str, record: dict[str, Any], said: str) -> None:
    with pytest.raises(PathError) as error:
        find(parse_path(path), record)
    assert said in str(error.value)


@pytest.mark.parametrize("text", ["", "a..b", ".a", "a[", "a[0]", "a]", "a,", '"a', '"\\q"', "a[]b", "[]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        parse_paths([text])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("qestion", "did you mean question?"),
        ("turns[].valeu", "did you mean turns[].value?"),
        ("a.b", 'did you mean "a.b", in quotes for its dots?'),
        ("zzz", 'there is question, turns, "a.b"'),
    ],
)
def test_a_name_that_there_is_not(path: str, said: str) -> None:
    record = {"question": "Who?", "turns": [{"value": "x"}], "a.b": "y"}
    assert unknown(parse_path(path), record) == said
