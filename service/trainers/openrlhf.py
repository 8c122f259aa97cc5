"""OpenRLHF: prompt, chosen and rejected as messages, with the command that loads them."""

import shlex
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

import pyarrow as pa

from service.export.layout import PairLayout, Place, Row, TrainingPair
from service.export.plain import MESSAGES
from service.trainers.trl import margin_of, three_columns

DOTTED = {
    "dataset": "--data.dataset",
    "eval_dataset": "--eval.dataset",
    "eval_split": "--eval.split",
    "max_len": "--data.max_len",
    "template": "--data.apply_chat_template",
    "prompt_key": "--data.prompt_key",
    "chosen_key": "--data.chosen_key",
    "rejected_key": "--data.rejected_key",
}
FLAT = {name: "--apply_chat_template" if name == "template" else f"--{name}" for name in DOTTED}


class OpenRlhf(PairLayout):
    """`trains` a policy by DPO or a reward model; `margin` is read by the reward model's loss.

    `flags` of the command: grouped by dots, or flat as older releases have them.
    """

    name: ClassVar[str] = "openrlhf"
    description: ClassVar[str] = "OpenRLHF DPO and reward models, with a margin where asked for"
    takes_margin: ClassVar[bool] = True
    least_answer: ClassVar[int] = 3  # DPO silently drops a prompt of max_len - 2 tokens

    margin: bool = False
    trains: Literal["dpo", "rm"] = "dpo"
    flags: Literal["dotted", "flat"] = "dotted"

    def features(self) -> Any:
        found = [("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES)]
        return pa.schema([*found, ("margin", pa.float64())] if self.margin else found)

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            values = three_columns(pair)
            yield Row(values | margin_of(pair) if self.margin else values, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        """Eval files are read as split "train": the only one that a file by itself has."""
        names = DOTTED if self.flags == "dotted" else FLAT
        given = {"dataset": ",".join(place.files["train"])}
        if "test" in place.files:
            given |= {"eval_dataset": ",".join(place.files["test"]), "eval_split": "train"}
        given |= {f"{name}_key": name for name in ("prompt", "chosen", "rejected")}
        if place.max_length is not None:
            given["max_len"] = str(place.max_length)
        words = [f"{names[name]} {shlex.quote(value)}" for name, value in given.items()]
        module = f"deepspeed --module openrlhf.cli.train_{self.trains}"
        command = " \\\n    ".join([module, names["template"], *words, '"$@"'])
        head = "#!/bin/sh\n# Run in this folder; add the model and the hyperparameters.\n"
        return {"openrlhf.sh": f"{head}{command}\n".encode()}
