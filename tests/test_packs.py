"""Packs: what is put in comes out, by a reference; what was cut or changed is an error, never another image."""

import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from builders.engine.files import remove_temporaries
from builders.stages.packs import DamagedPack, Member, Pack, packed_bytes, read_member, read_packed

NAMES = st.text(max_size=80) | st.sampled_from(
    ["../../etc/passwd", "a/b\\c.jpg", "..", "", "-rf", "猫" * 70, "a\nb:1+2"]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=1500)), min_size=1, max_size=6))
def test_what_is_put_in_comes_out_and_tar_reads_it(
    tmp_path_factory: pytest.TempPathFactory, images: list[tuple[str, bytes]]
) -> None:
    root = UPath(tmp_path_factory.mktemp("build"))
    with Pack(root, "p") as pack:
        references = [pack.add(name, data) for name, data in images]
    assert [read_packed(root, reference) for reference in references] == [data for _, data in images]
    assert [packed_bytes(reference) for reference in references] == [len(data) for _, data in images]
    members = [read_member(root, reference) for reference in references]
    with tarfile.open(str(pack.path)) as tar:
        assert [Member(each.name, tar.extractfile(each).read()) for each in tar] == members  # type: ignore[union-attr]
    assert all(each.name and "/" not in each.name and each.name not in (".", "..") for each in members)


def packed(root: Path) -> tuple[Path, list[str]]:
    """A pack of three images of the same length, and the references."""
    with Pack(UPath(root), "p") as pack:
        references = [pack.add(f"{letter}.jpg", letter.encode() * 700) for letter in "abc"]
    return Path(str(pack.path)), references


def test_tar_lists_a_pack_without_a_word_of_complaint(tmp_path: Path) -> None:
    path, _ = packed(tmp_path)
    listed = subprocess.run(["tar", "tf", path], capture_output=True, text=True, check=True)
    assert (listed.stdout.split(), listed.stderr) == (["a.jpg", "b.jpg", "c.jpg"], "")


def test_a_name_is_the_last_part_in_plain_characters_with_its_suffix(tmp_path: Path) -> None:
    with Pack(UPath(tmp_path), "p") as pack:
        references = [pack.add(name, b"") for name in ("a/b\\già 1.JPG", "x" * 300 + ".png", "..")]
    assert [read_member(UPath(tmp_path), reference).name for reference in references] == [
        "già_1.JPG", "x" * 56 + ".png", "image",
    ]  # fmt: skip


@pytest.mark.parametrize("kept", [0, 100, 600, 1500, 1536 + 699])
def test_a_pack_that_was_cut_is_an_error_for_what_it_lacks(tmp_path: Path, kept: int) -> None:
    path, (first, second, third) = packed(tmp_path)
    start = int(second.partition(":")[2].partition("+")[0]) - 1536
    path.write_bytes(path.read_bytes()[: start + kept])
    assert read_packed(UPath(tmp_path), first) == b"a" * 700
    for reference in (second, third):
        with pytest.raises(DamagedPack, match=rf"^{reference.replace('+', '[+]')}: .*{path.name}"):
            read_packed(UPath(tmp_path), reference)


@given(st.integers(0, 1535 + 700), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_byte_that_changed_gives_the_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: int
) -> None:
    folder = tmp_path_factory.mktemp("build")
    path, (_, second, _) = packed(folder)
    data = bytearray(path.read_bytes())
    start = int(second.partition(":")[2].partition("+")[0]) - 1536
    data[start + at] ^= change
    path.write_bytes(data)
    try:
        found = read_packed(UPath(folder), second)
    except DamagedPack:
        return
    assert found == b"b" * 700


def test_another_place_or_pack_never_gives_another_image(tmp_path: Path) -> None:
    path, (first, second, _) = packed(tmp_path)
    other = first.replace(path.name, "gone.tar")
    shifted = second.replace(":", ":1")
    shorter = f"{second.rpartition('+')[0]}+699"
    before = f"{second.partition(':')[0]}:100+700"
    for reference in (other, shifted, shorter, before):
        with pytest.raises(DamagedPack, match="delete the ledger"):
            read_packed(UPath(tmp_path), reference)
    for nonsense in ("/images/a.jpg", "images/../../a.tar:1+2", "images/a.tar:-1+2", "images/a/b.tar:1+2", ""):
        assert packed_bytes(nonsense) is None
        with pytest.raises(ValueError, match="expected images/"):
            read_packed(UPath(tmp_path), nonsense)


def test_a_pack_that_broke_off_leaves_nothing_and_a_killed_worker_what_the_next_run_removes(tmp_path: Path) -> None:
    def break_off() -> None:
        with Pack(UPath(tmp_path), "p") as pack:
            pack.add("a.jpg", b"a")
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert list((tmp_path / "images").iterdir()) == []
    killed = Pack(UPath(tmp_path), "p")
    reference = killed.add("a.jpg", b"a" * 700)
    (beside,) = (tmp_path / "images").iterdir()
    with pytest.raises(DamagedPack, match="No such file"):
        read_packed(UPath(tmp_path), reference)
    remove_temporaries(UPath(tmp_path))
    assert not beside.exists()


def test_a_pack_without_images_makes_no_file_and_every_pack_another(tmp_path: Path) -> None:
    with Pack(UPath(tmp_path), "p"):
        pass
    assert not (tmp_path / "images").exists()
    assert packed(tmp_path)[0] != packed(tmp_path)[0]


def test_packs_may_lie_in_an_object_store() -> None:
    root = UPath("memory://build")
    with Pack(root, "p") as pack:
        reference = pack.add("a.jpg", b"a" * 700)
    assert read_packed(root, reference) == b"a" * 700
