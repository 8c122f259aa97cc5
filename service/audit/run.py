"""Runs an audit over files or over records already read: collected, judged, assessed, written."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson

from curation.audit.annotators import agreement, annotators
from curation.audit.assess import assess
from curation.audit.content import VectorsOf, embedded, judge_content
from curation.audit.details import details
from curation.audit.expressed import expressed
from curation.audit.habits import habits, order
from curation.audit.questions import UNKNOWN, Questions, draw_anchors
from curation.consensus.votes import NONE, Anchors
from service.audit.anchors import Anchor, from_file, matched
from service.audit.collect import Collector
from service.audit.page import render
from service.audit.report import Findings, report
from service.audit.table import table, write

Progress = Callable[[str, float], object]  # what is done, and how much of it: 0..1
# All verified answers of the input, so many random ones of them, or these.
Wanted: TypeAlias = Literal["all"] | int | Iterable[Anchor]


def audit(
    files: Sequence[Path],
    *,
    anchors: str = "all",
    seed: int = 0,
    embed: bool = True,
    layout: str | None = None,
    mapping: Mapping[str, str] | None = None,
    progress: Progress = lambda _, __: None,
) -> Findings:
    """`anchors`: "all", a number of random verified answers, or a JSONL file of them; `mapping`
    {our column: theirs}, of every file.

    Raises BadAnchor for anchors that can't be read or name no pair.
    """
    collector = Collector()
    for done, path in enumerate(files):
        progress("reading", done / len(files))
        collector.file(path, str(path), layout, mapping)
    progress("reading", 1.0)
    wanted = wanted_of(anchors)
    return judge(collector, anchors=wanted, seed=seed, embed=embed, progress=progress)


def wanted_of(anchors: str) -> Wanted:
    if anchors == "all":
        return "all"
    return int(anchors) if anchors.isdecimal() else from_file(Path(anchors))


def judge(
    collector: Collector,
    *,
    anchors: Wanted,
    seed: int,
    embed: bool,
    progress: Progress,
    vectors_of: VectorsOf = embedded,
) -> Findings:
    """Of a filled collector, wherever its records came from; tells of `embedding` and `judging`.

    `vectors_of` is for who has the texts' vectors already.
    Raises BadAnchor for anchors that can't be read or name no pair.
    """
    questions = collector.questions()
    chosen = chosen_anchors(anchors, questions, collector, seed)
    content = judge_content(
        questions,
        embed=embed,
        seed=seed,
        vectors_of=vectors_of,
        progress=lambda share: progress("embedding", share),
    )
    progress("judging", 0.0)
    assessment = assess(questions, content, chosen, seed)
    found = Findings(
        collector.collected, questions, chosen, content, assessment,
        annotators(questions, assessment.posterior, chosen), agreement(questions.votes),
        habits(questions, assessment.ruling.actions, assessment.p_correct, seed), order(questions),
        details(questions, collector.ratings(), assessment, seed),
        expressed(questions, content.differences, seed=seed), seed,
        too_few_verified(anchors, questions),
    )  # fmt: skip
    progress("judging", 1.0)
    return found


def chosen_anchors(
    wanted: Wanted, questions: Questions, collector: Collector, seed: int
) -> Anchors:
    if wanted == "all":
        return draw_anchors(questions.truth, None, seed)
    if isinstance(wanted, int):
        return draw_anchors(questions.truth, wanted, seed) if wanted else NONE
    assert not isinstance(wanted, str)
    return matched(wanted, collector.collected.places)


def too_few_verified(wanted: Wanted, questions: Questions) -> tuple[str, ...]:
    """A warning where more verified answers were asked for than the input has."""
    known = int((questions.truth != UNKNOWN).sum())
    if not isinstance(wanted, int) or wanted <= known:
        return ()
    has = f"{known} of them, and all are used" if known else "none: no record has `gold`"
    return (f"anchors: {wanted} verified answers were asked for, the input has {has}",)


def rendered(found: Findings) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The report, and the bytes of report.json, report.html and pairs.parquet."""
    said, pairs = report(found), io.BytesIO()
    write(pairs, table(found.collected.places, found.questions, found.assessment))
    page = render(said, np.asarray(found.assessment.p_correct))
    return said, {
        "report.json": orjson.dumps(said, option=orjson.OPT_INDENT_2),
        "report.html": page.encode(),
        "pairs.parquet": pairs.getvalue(),
    }


def write_folder(found: Findings, out: Path) -> dict[str, Any]:
    """report.json, report.html and pairs.parquet; the report."""
    out.mkdir(parents=True, exist_ok=True)
    said, files = rendered(found)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return said
