"""ImageReward's lists (arXiv:2304.05977): images of a prompt in an expert's order, with ties."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import integer, required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, others, prompt_of, with_keys
from service.formats.record import Ranking, Record, Response, RowError

READ = ("id", "prompt", "generations", "ranking")


class ImageReward(Format):
    name: ClassVar[str] = "imagereward"
    description: ClassVar[str] = "ImageReward: 4 to 9 images a prompt in an expert's order"
    columns: ClassVar[tuple[str, ...]] = READ

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        lists = [row for row in rows if isinstance(row.get("ranking"), list)]
        return with_keys(lists, *READ) * len(lists) / max(len(rows), 1)

    def read(self, row: dict[str, Any]) -> Record:
        images, ranks = required(row, "generations"), required(row, "ranking")
        if not isinstance(images, list) or not isinstance(ranks, list):
            raise RowError("wrong_type", "generations and ranking must be lists", "ranking")
        if len(images) != len(ranks):
            raise RowError("wrong_length", "ranking must have one rank an image", "ranking")
        order = [integer(rank, f"ranking[{index}]") for index, rank in enumerate(ranks)]
        tiers = [
            [f"r{index}" for index, rank in enumerate(order) if rank == tier]
            for tier in sorted(set(order))  # 1 is the best
        ]
        return Record(
            asked(text(required(row, "prompt"), "prompt")),
            tuple(
                Response(f"r{index}", uri=text(image, f"generations[{index}]"))
                for index, image in enumerate(images)
            ),
            rankings=(Ranking(tiers=tiers),) if tiers else (),
            record_id=str(required(row, "id")),
            modality="image",
            extra={"ranking": order, **others(row, *READ)},  # its gaps say how far apart
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        row = {
            "id": record.record_id,
            "prompt": prompt_of(record),
            "generations": [response.uri for response in record.responses],
            **record.extra,
        }
        return exactly(self, record, row)
