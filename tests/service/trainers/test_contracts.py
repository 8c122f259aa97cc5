"""The other trainers' documented contracts, as JSON schemas and flags, hold for what we write."""

import shlex
import subprocess
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from datasets import load_dataset
from jsonschema import Draft202012Validator

from service.export.layout import Place
from service.formats.record import RowError
from service.trainers import LAYOUTS
from tests.service.trainers.pairs import DIALOGUE, PAIRS, pair, rows, says, user, write

CONTRACTS = Path(__file__).parent / "contracts"
LLAMAFACTORY_DPO = LAYOUTS["llamafactory"]()
KEYS = ("prompt", "chosen", "rejected")
FLAGS = "dataset dataset_probs dataset_split prompt_key chosen_key rejected_key max_len"


def contract(name: str) -> Draft202012Validator:
    schema = orjson.loads((CONTRACTS / f"{name}.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def loaded(name: str, folder: Path) -> tuple[Place, dict[str, Any]]:
    """The place, and each split's rows as `datasets` reads them."""
    layout = LAYOUTS[name]()
    place = write(layout, {"train": PAIRS, "test": PAIRS[:2]}, folder)
    kind = "json" if layout.file_kind == "jsonl" else layout.file_kind
    data = {
        split: load_dataset(
            kind, data_files=[str(folder / path) for path in paths], cache_dir=str(folder / "cache")
        )["train"]
        for split, paths in place.files.items()
    }
    return place, data


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("llamafactory", "llamafactory_rows"),
        ("llamafactory_kto", "llamafactory_rows"),
        ("axolotl", "axolotl_rows"),
        ("nemo_rl", "nemo_rl_rows"),
    ],
)
def test_loaded_rows_keep_the_contract(name: str, schema: str, tmp_path: Path) -> None:
    _, data = loaded(name, tmp_path)
    validator = contract(schema)
    assert len(data["train"]) == len(PAIRS) * (2 if name == "llamafactory_kto" else 1)
    for row in data["train"]:
        validator.validate(row)


@pytest.mark.parametrize("name", ["llamafactory", "llamafactory_kto"])
def test_dataset_info_names_each_file_and_its_columns(name: str, tmp_path: Path) -> None:
    _, data = loaded(name, tmp_path)
    info = orjson.loads((tmp_path / "dataset_info.json").read_bytes())
    contract("llamafactory_info").validate(info)
    run = yaml.safe_load((tmp_path / "llamafactory.yaml").read_text())
    assert {"mine": run["dataset"], "mine_test": run["eval_dataset"]} == {
        each: each for each in info
    }
    for entry, split in zip(info.values(), data, strict=True):
        assert (tmp_path / entry["file_name"]).is_file()
        assert set(entry["columns"].values()) == set(data[split].column_names)
        assert entry.get("ranking", False) == (name == "llamafactory")


def test_llamafactorys_turns_alternate_from_a_humans_to_a_humans() -> None:
    [row] = rows(LLAMAFACTORY_DPO, [pair(0, DIALOGUE)])
    assert [turn["from"] for turn in row["conversations"]] == ["system", "human", "gpt", "human"]


@pytest.mark.parametrize(
    "prompt",
    [[], says("a"), [*user("a"), *says("b")], [*user("a"), *user("b"), *user("c")]],
)
def test_prompts_that_llamafactory_would_skip_are_refused(prompt: Any) -> None:
    with pytest.raises(RowError, match="out of turn"):
        rows(LLAMAFACTORY_DPO, [replace(PAIRS[0], prompt=prompt)])


def test_several_shards_are_several_entries_so_that_splits_stay_apart() -> None:
    files = {"train": ["data/a.parquet", "data/b.parquet"], "test": ["data/c.parquet"]}
    written = LLAMAFACTORY_DPO.config_files(Place("mine", files))
    info = orjson.loads(written["dataset_info.json"])
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "mine": "data/a.parquet", "mine_1": "data/b.parquet", "mine_test": "data/c.parquet",
    }  # fmt: skip
    assert yaml.safe_load(written["llamafactory.yaml"])["dataset"] == "mine,mine_1"


def test_axolotls_yaml_names_files_and_fields_that_are_there(tmp_path: Path) -> None:
    _, data = loaded("axolotl", tmp_path)
    config = yaml.safe_load((tmp_path / "axolotl.yaml").read_text())
    contract("axolotl_config").validate(config)
    [train], [test] = config["datasets"], config["test_datasets"]
    for entry in (train, test):
        assert (tmp_path / entry["path"]).is_file()
        fields = {entry[f"field_{name}"] for name in ("messages", "chosen", "rejected")}
        assert fields == set(data["train"].column_names)


def test_nemo_rls_yaml_names_files_that_are_there(tmp_path: Path) -> None:
    loaded("nemo_rl", tmp_path)
    config = yaml.safe_load((tmp_path / "nemo_rl.yaml").read_text())
    contract("nemo_rl_config").validate(config)
    assert config["policy"]["max_total_sequence_length"] == 128
    for split in ("train", "validation"):
        assert (tmp_path / config["data"][split]["data_path"]).is_file()


@pytest.mark.parametrize("flags", ["dotted", "flat"])
@pytest.mark.parametrize("trains", ["dpo", "rm"])
def test_openrlhfs_command_runs_with_its_documented_flags(
    flags: str, trains: str, tmp_path: Path
) -> None:
    """The shell runs the script; a program in place of deepspeed says what it was given."""
    layout = LAYOUTS["openrlhf"].model_validate({"flags": flags, "trains": trains, "margin": True})
    place = write(layout, {"train": PAIRS, "test": PAIRS[:2]}, tmp_path)
    (tmp_path / "deepspeed").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "deepspeed").chmod(0o755)
    command = f"PATH={shlex.quote(str(tmp_path))}:$PATH sh openrlhf.sh {MODEL[flags]} tiny"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    given = done.stdout.splitlines()
    assert given[:2] == ["--module", f"openrlhf.cli.train_{trains}"]
    data, evaluation = ("data.", "eval.") if flags == "dotted" else ("", "eval_")
    found = vars(parser(flags).parse_args(given[2:]))
    assert [found[f"{data}{name}_key"] for name in KEYS] == list(KEYS)
    assert found[f"{data}apply_chat_template"] is True
    assert found[f"{data}max_len"] == "128"
    assert place.files == {
        "train": [found[f"{data}dataset"]], "test": [found[f"{evaluation}dataset"]],
    }  # fmt: skip
    assert found[f"{evaluation}split"] == "train"
    assert layout.columns == (*KEYS, "margin")


MODEL = {"dotted": "--model.model_name_or_path", "flat": "--pretrain"}


def parser(flags: str) -> ArgumentParser:
    """The flags about data and model of openrlhf.cli.train_dpo and train_rm."""
    made = ArgumentParser(allow_abbrev=False)
    data, evaluation = ("--data.", "--eval.") if flags == "dotted" else ("--", "--eval_")
    for name in FLAGS.split():
        made.add_argument(f"{data}{name}")
    made.add_argument(f"{data}apply_chat_template", action="store_true")
    for name in ("dataset", "split"):
        made.add_argument(f"{evaluation}{name}")
    made.add_argument(MODEL[flags])
    return made
