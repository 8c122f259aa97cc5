"""Checks that an export's splits part nothing that belongs together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from curation.grouping import LEFT_OUT, TEST, fingerprints, prompt_text
from service.export import manifest
from service.export.folder import SPLITS
from service.export.splitting import Scheme, text_groups

HELD = ("train", "test")


class Difference(NamedTuple):
    """`file` is a path in the folder."""

    file: str
    message: str


def check(path: Path, described: Mapping[str, Any]) -> Iterator[Difference]:
    """What the manifest says of the splits against `splits.parquet`, and both against the rows.

    Where the rows hold the prompts, these are compared once more, with nothing but their words.
    """
    said = described.get("split")
    if not said:
        return
    try:
        rows = pq.ParquetFile(path / SPLITS).read().to_pylist()
        splits = {row["prompt_id"]: row["split"] for row in rows}
        yield from check_shares(rows, said)
        yield from check_places(path, splits)
        if described["layout"] == "huggingface":
            only_text = {row["prompt_id"] for row in rows if row["text_only"]}
            yield from check_texts(path, said, only_text)
    except (pa.ArrowException, OSError, KeyError) as error:
        yield Difference(SPLITS, f"can't be compared: {str(error).splitlines()[0]}")


def check_shares(
    rows: Sequence[Mapping[str, Any]], said: Mapping[str, Any]
) -> Iterator[Difference]:
    """Components and annotators with prompts in both splits; the numbers of the manifest."""
    for split, name in ((TEST, "prompts_test"), (LEFT_OUT, "prompts_left_out")):
        count = sum(row["split"] == split for row in rows)
        if count != said[name]:
            yield Difference(manifest.NAME, f"says {name} {said[name]}; {SPLITS} has {count}")
    shares: dict[tuple[str, int], dict[str, str]] = {}
    for row in rows:
        if row["split"] in HELD:
            named = [("component", row["component"])]
            if "annotator" in said["by"]:
                named += [("annotator", each) for each in row["annotators"]]
            for share in named:
                shares.setdefault(share, {}).setdefault(row["split"], row["prompt_id"])
    for (what, number), found in shares.items():
        if len(found) > 1:
            yield parted(SPLITS, f"of {what} {number}", found)


def check_places(path: Path, splits: Mapping[str, str]) -> Iterator[Difference]:
    """Rows that lie in another split than their prompt's."""
    for split, file in shards(path):
        for prompt in dict.fromkeys(file.read(["prompt_id"])["prompt_id"].to_pylist()):
            if splits.get(prompt) != split:
                said = splits.get(prompt, "none")
                yield Difference(SPLITS, f"prompt {prompt} is of {said}, and has rows in {split}")


def check_texts(path: Path, said: Mapping[str, Any], only_text: set[str]) -> Iterator[Difference]:
    """Prompts in two splits that begin one conversation or say nearly the same."""
    scheme = Scheme(**{name: said[name] for name in Scheme.model_fields})
    prompts: dict[str, tuple[str, Any]] = {}
    for split, file in shards(path):
        for row in file.read(["prompt_id", "prompt"]).to_pylist():
            if row["prompt_id"] in only_text:
                prompts[row["prompt_id"]] = (split, row["prompt"])
    ids = [*prompts]
    messages = [prompt for _, prompt in prompts.values()]

    def texts(places: Sequence[int]) -> list[str]:
        return [prompt_text(messages[place]) for place in places]

    for group in text_groups(scheme, fingerprints(messages), texts, crowds=False):
        found = {prompts[ids[place]][0]: ids[place] for place in group}
        if len(found) > 1:
            yield parted(path.name, "that belong together", found)


def shards(path: Path) -> Iterator[tuple[str, pq.ParquetFile]]:
    """Split and file of what has a row for each row of the data, and names its prompt."""
    folder = "provenance" if (path / "provenance").is_dir() else "data"
    for each in sorted((path / folder).glob("*.parquet")):
        yield each.name.split("-")[0], pq.ParquetFile(each)


def parted(file: str, which: str, found: Mapping[str, str]) -> Difference:
    said = ", ".join(f"{prompt} ({split})" for split, prompt in sorted(found.items()))
    return Difference(file, f"prompts {which} are in two splits: {said}")
