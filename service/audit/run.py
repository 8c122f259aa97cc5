"""Runs an audit over files: collected, judged, assessed, written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from curation.audit.annotators import agreement, annotators
from curation.audit.assess import assess
from curation.audit.content import judge_content
from curation.audit.habits import habits, order
from curation.audit.questions import Questions, draw_anchors
from curation.consensus.votes import NONE, Anchors
from service.audit.anchors import from_file
from service.audit.collect import Collector
from service.audit.page import render
from service.audit.report import Findings, report
from service.audit.table import table, write

Progress = Callable[[str, float], object]  # what is done, and how much of it: 0..1


def audit(
    files: Sequence[Path],
    *,
    anchors: str = "all",
    seed: int = 0,
    embed: bool = True,
    layout: str | None = None,
    progress: Progress = lambda _, __: None,
) -> Findings:
    """`anchors`: "all", a number of random verified answers, or a JSONL file of them.

    Raises ValueError for anchors that can't be read or name no pair.
    """
    collector = Collector()
    for done, path in enumerate(files):
        progress("reading", done / len(files))
        collector.file(path, str(path), layout)
    progress("reading", 1.0)
    questions = collector.questions()
    chosen = chosen_anchors(anchors, questions, collector, seed)
    content = judge_content(
        questions, embed=embed, seed=seed, progress=lambda share: progress("embedding", share)
    )
    progress("judging", 0.0)
    assessment = assess(questions, content, chosen, seed)
    found = Findings(
        collector.collected, questions, chosen, content, assessment,
        annotators(questions, assessment.posterior, chosen), agreement(questions.votes),
        habits(questions, assessment.ruling.actions, seed), order(questions), seed,
    )  # fmt: skip
    progress("judging", 1.0)
    return found


def chosen_anchors(wanted: str, questions: Questions, collector: Collector, seed: int) -> Anchors:
    if wanted == "all":
        return draw_anchors(questions.truth, None, seed)
    if wanted.isdecimal():
        return draw_anchors(questions.truth, int(wanted), seed) if int(wanted) else NONE
    return from_file(Path(wanted), collector.collected.places)


def write_folder(found: Findings, out: Path) -> dict[str, Any]:
    """report.json, report.html and pairs.parquet; the report."""
    out.mkdir(parents=True, exist_ok=True)
    said = report(found)
    rows = table(found.collected.places, found.questions, found.assessment)
    write(out / "pairs.parquet", rows)
    (out / "report.json").write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    (out / "report.html").write_text(render(said, np.asarray(found.assessment.p_correct)))
    return said
