"""Diffusion-DPO and its kin (MaPO, RankDPO, SmPO): pairs of images by URI, with their caption."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from service.export.layout import PairLayout, Row, TrainingPair
from service.export.plain import plain
from service.formats.record import Message, RowError

SIDES = ("caption", "jpg_0", "jpg_1")
NUMBERS = ("label_0", "soft_label", "scores_0", "scores_1")


class DiffusionDpo(PairLayout):
    """`jpg_0` is the better image, `label_0` is 1; `soft_label` says how surely, 1 where the labels
    say no more. Images are URIs: their bytes stay where they are. Pairs of texts are refused.
    """

    name: ClassVar[str] = "diffusion_dpo"
    description: ClassVar[str] = "Diffusion-DPO: caption and two images by URI (Pick-a-Pic columns)"
    takes_soft_label: ClassVar[bool] = True
    holds_images: ClassVar[bool] = True

    def features(self) -> Any:
        texts = [(name, pa.string()) for name in SIDES]
        return pa.schema([*texts, *((name, pa.float64()) for name in NUMBERS)])

    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        for pair in pairs:
            if pair.chosen_image is None or pair.rejected_image is None:
                raise RowError("not_expressible", "this layout holds images by URI, no texts")
            values = {
                "caption": caption(pair.prompt),
                "jpg_0": pair.chosen_image,
                "jpg_1": pair.rejected_image,
                "label_0": 1.0,
                "soft_label": 1.0 if pair.soft_label is None else pair.soft_label,
                "scores_0": pair.score_chosen,
                "scores_1": pair.score_rejected,
            }
            yield Row(values, pair.origin)


def caption(prompt: Sequence[Message]) -> str:
    """The one text that the images were made from."""
    said = plain(prompt)
    if len(said) != 1 or said[0]["role"] != "user":
        raise RowError("not_expressible", "a caption is one text of the user's")
    return said[0]["content"]
