"""The mix stage without Ray: what is chosen of samples in any shards, and what it says of samples that will not do."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from builders.engine import Row, ShardRecord, StageError, files
from builders.engine.worker import LEASE, Bench, Job
from builders.stages.mix import SAMPLES, TEXT, Mix, Mixture, TextOnly
from builders.stages.training_sets import TokenizerError, described, token_counter
from builders.transforms.mixture import Ratio, parse_ratio, parse_size


def sample(number: int, **changes: Any) -> Row:
    turns = [{"from": "human", "value": f"eu {number}"}, {"from": "gpt", "value": "bai"}]
    parallel = [{"from": "human", "value": f"en {number}"}, {"from": "gpt", "value": "yes"}]
    return {
        "id": f"{number * 2654435761 % 2**32:08x}{number:024x}", "part": "vision", "dataset": "ama", "language": "eu",
        "other": "en", "conversations": turns, "parallel": parallel, "image_file": None, "image_path": "a.jpg",
    } | changes  # fmt: skip


class Mixed:
    """What a mix makes of samples that come in shards of this size."""

    def __init__(self, folder: Path, samples: list[Row], shard_rows: int, mix: Mix) -> None:
        self.root, self.before, self.mix = files.location(folder), [], mix
        for start in range(0, len(samples), shard_rows):
            its = sorted(samples[start : start + shard_rows], key=lambda row: str(row["id"]))
            ref = files.write_table(self.root, f"before/{start:05d}.parquet", pa.Table.from_pylist(its, schema=SAMPLES))
            self.before.append(ShardRecord(f"{start:05d}", "gather", "", "", 0, ref.rows, ref, None, None))
        files.write_json(self.root / LEASE, {"run": "me"})
        build: Any = SimpleNamespace(out=self.root)
        bench = Bench(str(folder), mix, "01-mix", "me")
        self.after = [
            bench.run(Job(task.shard, task.shard, task.digest, task.source, 0, task.rows))
            for task in mix.plan(build, self.before)
        ]
        mix.check_sum(self.before, self.after)

    def rows(self, name: str) -> dict[str, Row]:
        """The rows of a mixture by their ids, each of which is there once."""
        made = [
            row
            for record in self.after
            if record.parent.startswith(f"{name}.")
            for row in files.read_table(self.root, record.rows).to_pylist()
        ]
        assert len({row["id"] for row in made}) == len(made)
        return {row["id"]: row for row in made}

    def failed(self) -> list[str]:
        files_ = [record.failed for record in self.after if record.failed]
        return [row["error_class"] for file in files_ for row in files.read_table(self.root, file).to_pylist()]


def mix(*ratios: str, size: int = 0, text: TextOnly | None = None) -> Mix:
    mixtures = [
        Mixture(f"m{ratio.partition(':')[0]}", "vision", parse_ratio(ratio), text is not None) for ratio in ratios
    ]
    return Mix(mixtures, seed=3, size=size, target="eu", source="en", text=text)


def test_a_smaller_size_is_part_of_a_larger_one_in_the_same_languages(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(50)]
    few = Mixed(tmp_path / "few", samples, 7, mix("20:80", "80:20", size=20))
    more = Mixed(tmp_path / "more", samples[::-1], 50, mix("80:20", "100:0", size=30))
    assert (few.mix.left_out, more.mix.left_out) == ({"m20": 30, "m80": 30}, {"m80": 20, "m100": 20})
    assert few.rows("m20").keys() == few.rows("m80").keys() < more.rows("m80").keys()
    for rows, basque in ((few.rows("m20"), 4), (few.rows("m80"), 16), (more.rows("m80"), 24), (more.rows("m100"), 30)):
        assert [row["language"] for row in rows.values()].count("eu") == basque
        assert all(row["conversations"][0]["value"].startswith(row["language"]) for row in rows.values())


def test_samples_in_the_source_language_are_swapped_the_other_way(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(20)]
    turned = [
        row | {"language": "en", "other": "eu", "conversations": row["parallel"], "parallel": row["conversations"]}
        for row in samples
    ]
    one = Mixed(tmp_path / "one", samples, 20, mix("20:80"))
    assert one.rows("m20") == Mixed(tmp_path / "other", turned, 20, mix("20:80")).rows("m20")


def test_parallels_are_needed_only_where_a_ratio_wants_both_languages(tmp_path: Path) -> None:
    alone = [sample(number, other="", parallel=None) for number in range(9)]
    assert len(Mixed(tmp_path / "a", alone, 5, mix("100:0")).rows("m100")) == 9
    both = Mixed(tmp_path / "b", [*alone[:2], *map(sample, range(2, 12))], 5, mix("100:0", "50:50"))
    assert both.rows("m100").keys() == both.rows("m50").keys()
    assert (len(both.rows("m100")), both.failed()) == (10, ["NoParallel"] * 4)
    with pytest.raises(StageError, match=r"none of 9 samples is in 'eu' and in 'en'.*conversations_en, or question_en"):
        Mixed(tmp_path / "c", alone, 5, mix("0:100", "100:0"))


def test_text_only_samples_are_the_same_at_every_ratio_and_from_each_dataset_alike(tmp_path: Path) -> None:
    texts = [
        sample(100 + number, part=TEXT, dataset="abc"[number % 3], language="en" if number % 3 == 2 else "eu", other="")
        for number in range(60)
    ]
    samples = [*map(sample, range(40)), *texts]
    text = TextOnly(parse_size("20%"), Ratio(80, 20), False)
    made = Mixed(tmp_path / "a", samples, 9, mix("0:100", "80:20", text=text))
    by_ratio = [{id: row for id, row in made.rows(name).items() if row["dataset"] != "ama"} for name in ("m0", "m80")]
    assert by_ratio[0] == by_ratio[1]
    assert [sum(row["dataset"] == name for row in by_ratio[0].values()) for name in "abc"] == [4, 4, 2]
    again = Mixed(tmp_path / "b", samples, 9, mix("0:100", text=TextOnly(parse_size("150"), Ratio(80, 20), True)))
    assert sum(row["dataset"] == "b" for row in again.rows("m0").values()) == 60, "20 samples, drawn 60 times"
    with pytest.raises(
        StageError, match="of eu/a, 60 are wanted, and there are 20: lower --text-size, or give --replace"
    ):
        Mixed(tmp_path / "c", samples, 9, mix("0:100", text=TextOnly(parse_size("150"), Ratio(80, 20), False)))
    texts[1]["language"] = "fr"
    with pytest.raises(StageError, match="b has samples in 'fr'; those of the mixture are eu and en"):
        Mixed(tmp_path / "d", samples, 9, mix("0:100", text=text))


def test_a_sample_that_is_there_twice_is_refused_once(tmp_path: Path) -> None:
    made = Mixed(tmp_path, [*map(sample, range(10)), sample(3), sample(4)], 5, mix("50:50"))
    assert sorted(made.rows("m50")) == sorted(sample(number)["id"] for number in range(10))
    assert [record.rows_rejected for record in made.after] == [0, 0, 2]


def test_tokens_are_those_of_the_tokenizer_or_words(tmp_path: Path) -> None:
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    by_tokenizer, by_word = token_counter(str(tmp_path)), token_counter("")
    assert (by_tokenizer("A red cup on the table."), by_word("A red cup on the table.")) == (7, 6)
    assert by_tokenizer("") == by_word("") == 0
    (tmp_path / "tokenizer.json").write_text("{}")
    for name in (str(tmp_path), "/nowhere/tokenizer"):
        with pytest.raises(TokenizerError, match=f"{name} has no tokenizer.json that can be read"):
            token_counter(name)


def test_the_figures_of_a_training_set_are_put_together_by_kind() -> None:
    counters = {"samples/eu/image/a/b": 2, "turns/eu/image/a/b": 4, "tokens/eu/image/a/b": 9, "split/train": 2}
    assert described(counters) == {
        "samples": 2, "turns": 4, "tokens": 9,
        "by": [{"language": "eu", "with": "image", "dataset": "a/b", "samples": 2, "turns": 4, "tokens": 9}],
    }  # fmt: skip
