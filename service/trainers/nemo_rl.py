"""NeMo-RL: a context and two ranked completions, with the yaml that loads them."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pyarrow as pa
import yaml

from service.export.layout import FileKind, PairLayout, Place, Row, TrainingPair
from service.export.plain import MESSAGES, only, plain

COMPLETION: Any = pa.struct([("rank", pa.int64()), ("completion", MESSAGES)])


class NemoRl(PairLayout):
    name: ClassVar[str] = "nemo_rl"
    description: ClassVar[str] = "NeMo-RL DPO and reward models: context, ranked completions"
    file_kind: ClassVar[FileKind] = "jsonl"

    def features(self) -> Any:
        return pa.schema([("context", MESSAGES), ("completions", pa.list_(COMPLETION))])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            completions = [
                {"rank": rank, "completion": [only(answer)]}
                for rank, answer in enumerate((pair.chosen, pair.rejected))
            ]
            yield Row({"context": plain(pair.prompt), "completions": completions}, pair.origin)

    def config_files(self, place: Place) -> dict[str, bytes]:
        """Overrides for examples/configs/dpo.yaml or rm.yaml; paths are from where it is run."""
        data: dict[str, Any] = {"train": {"data_path": place.files["train"][0]}}
        if "test" in place.files:
            data["validation"] = {"data_path": place.files["test"][0]}
        data["default"] = {
            "dataset_name": "PreferenceDataset",
            "prompt_file": None,
            "system_prompt_file": None,
        }
        found: dict[str, Any] = {"data": data}
        if place.max_length is not None:
            found["policy"] = {"max_total_sequence_length": place.max_length}
        return {"nemo_rl.yaml": yaml.safe_dump(found, sort_keys=False).encode()}
