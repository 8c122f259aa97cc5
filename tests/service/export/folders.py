"""Small exports, built from rows as the database would give them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service.export import folder
from service.export.manifest import Provenance
from service.export.shards import FileFacts, Row
from service.report.report import (
    Change,
    Counts,
    Example,
    Histogram,
    RecipeLine,
    Report,
    Scorer,
)

SCORES = ["margin_mean", "p_correct"]
HOSTILE = {
    "script": "<script>alert('planted')</script><img src=x onerror=alert(1)>",
    "separators": "a\u2028b\u2029c\u0085d\r\n\te",
    "right_to_left": "\u202eabc\u202c مرحبا \u200f",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 \U0001f9ff",
    "empty": "",
    "markup": "---\n| a | b |\n</div>{{ 7 * 7 }} [red]x[/red]",
}


def say(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def row(index: int, prompt: int, chosen: str = "good", rejected: str = "bad") -> dict[str, Any]:
    return {
        "prompt": say("user", f"question {prompt}"),
        "chosen": say("assistant", f"{chosen}"),
        "rejected": say("assistant", f"{rejected}"),
        "pair_id": f"pair-{index:04d}",
        "prompt_id": f"prompt-{prompt:04d}",
        "source": f"0123456789abcdef:{index + 1}",
        "license": "mit",
        "recipe_id": "fifa",
        "recipe_sha": "f" * 64,
        "weight": 1.0,
        "margin_mean": index / 7,
        "p_correct": None if index % 5 == 0 else 0.5,
    }


def rows(prompts: int, per_prompt: int = 2) -> list[dict[str, Any]]:
    return [row(i, i % prompts) for i in range(prompts * per_prompt)]


def interval(accuracy: float) -> dict[str, float]:
    return {"accuracy": accuracy, "low": accuracy - 0.02, "high": accuracy + 0.02}


def evaluation(better: bool | None = True) -> dict[str, Any]:
    head = {
        "subset": interval(0.62),
        "random": interval(0.58),
        "full": interval(0.66),
        "difference": {"mean": 0.04, "low": 0.01, "high": 0.07},
        "better_than_random": better,
    }
    return {
        "judge": "independent", "splits": 5, "seeds": [0, 1, 2, 3, 4], **head,
        "heads": {"selecting": head, "independent": head},
    }  # fmt: skip


def report(found: list[dict[str, Any]], texts: str = "plain") -> Report:
    example = Example(
        pair_id="pair-0000", source="0123456789abcdef:1", prompt=texts, chosen=texts,
        rejected="", rank=1, reason="selected", value=0.9,
    )  # fmt: skip
    prompts = len({each["prompt_id"] for each in found})
    return Report(
        recipe=RecipeLine(
            id="fifa", version=1, title="FiFA", paper="2410.10166", sha256="f" * 64
        ),
        budget="10%",
        seed=0,
        counts=Counts(
            rows_in=len(found) + 1, rejected=1, pairs=len(found), kept=len(found),
            prompts=prompts, prompts_kept=prompts,
        ),
        evaluation=evaluation(),
        scorers=(
            Scorer(
                name="margin", kind="reward_margin", identity="a" * 64, columns=tuple(SCORES),
                metrics={"accuracy": 0.61}, statuses={"empty_text": 2},
            ),
        ),
        composition=(Change(name="longer chosen", unit="share", before=0.5, after=None),),
        margins=Histogram(
            name="margin_mean", edges=(-1.0, 0.0, 1.0), kept=(1, 4), dropped=(5, 2)
        ),
        reasons={"selected": len(found), "missing:margin": 0},
        rejects={"not_json": 1},
        top=(example,),
        suspects=(example,),
    )  # fmt: skip


PROVENANCE = Provenance(
    uploads=(
        {
            "sha256": "0123456789abcdef" * 4, "bytes": 10, "layout": "trl_preference",
            "rows_in": 3, "accepted": 2, "rejected": 1, "pairs": 2,
        },
    ),
    recipe={"id": "fifa"},
    signals=(),
    license="mit",
    test_fraction=0.05,
    versions={"prefsift": "0.1.0"},
)  # fmt: skip
REJECTS = [{"upload": "0123456789abcdef", "line": 3, "code": "not_json", "raw": "{\u2028"}]


def held_out_prompts(prompts: Iterable[str]) -> frozenset[str]:
    """One of twenty, from twenty on."""
    distinct = sorted(set(prompts))
    return frozenset(distinct[19::20])


def write(path: Path, found: list[dict[str, Any]], texts: str = "plain") -> dict[str, FileFacts]:
    held_out = held_out_prompts(each["prompt_id"] for each in found)
    given: list[Row] = list(found)
    _, files = folder.write(
        path, given, held_out, report(found, texts), PROVENANCE, REJECTS, SCORES
    )
    return files
