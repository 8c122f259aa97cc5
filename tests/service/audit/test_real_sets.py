"""`prefsift audit` on every real set: figures as they are known, and a table of one row a pair."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from curation.audit.ratings import of_aspects
from service.audit.collect import Collector
from service.audit.run import audit, write_folder
from service.audit.table import SCHEMA
from tests.service.audit.oracles import ORACLES, figures

pytestmark = pytest.mark.realdata


SMALL = [
    ("llmbar/natural_neighbor.jsonl.gz", "weak", "anchored"),
    ("hhh/hhh_alignment_eval.json.gz", "strong", "prior"),
]


@pytest.fixture
def without_a_scorer_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure there needs one, and fitting it takes most of an audit's time."""
    monkeypatch.setattr("curation.audit.content.LEAST_PAIRS", 10**9)


def test_every_file_of_the_sets_is_asked_about(data: Path) -> None:
    found = {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}
    assert found - set(ORACLES) == {"README.md"}


@pytest.mark.parametrize(("name", "strength", "method"), SMALL)
def test_an_audit_with_its_scorer_shows_the_same_and_what_the_texts_say(
    name: str, strength: str, method: str, data: Path, tmp_path: Path
) -> None:
    """As the command runs with --no-embed. Half of the verified answers are hidden."""
    said = write_folder(audit([data / name], anchors="100", embed=False), tmp_path)
    found = figures(said)
    assert {key: found[key] for key in ORACLES[name]} == ORACLES[name]
    assert (said["content"]["strength"], said["method"]) == (strength, method)
    weak = [why for why in said["refusals"] if "the scorer is right on" in why]
    assert len(weak) == (strength == "weak")
    rows = pq.read_table(tmp_path / "pairs.parquet").to_pylist()
    for column in ("p_correct", "margin", "spread", "expected", "mutual"):
        values = [row[f"content.{column}"] for row in rows if row["label"] in ("a", "b")]
        assert np.isfinite(np.array(values, np.float64)).all(), column
    assert said["hidden_answers"]["answers"] == said["verified"] - 100
    assert said["hidden_answers"]["accuracy"] > (0.85 if method == "anchored" else 0.5)
    assert said["look_at_first"]


@pytest.mark.usefixtures("without_a_scorer_of_texts")
@pytest.mark.parametrize("name", ORACLES)
def test_the_report_shows_what_is_known_of_the_set(name: str, data: Path, tmp_path: Path) -> None:
    said = write_folder(audit([data / name], embed=False), tmp_path)
    found = figures(said)
    assert {key: found[key] for key in ORACLES[name]} == ORACLES[name]
    rows = pq.read_table(tmp_path / "pairs.parquet")
    assert rows.schema.equals(SCHEMA)
    assert rows.num_rows == said["pairs"]
    p = rows["p_a_better"].to_numpy()
    assert np.isfinite(p).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert "<h2>" in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("without_a_scorer_of_texts")
def test_ratings_and_comparisons_on_different_lines_are_joined_by_their_texts(data: Path) -> None:
    folder = data / "sparse_feedback"
    sample = sorted(folder.glob("*_sample_generation.csv"))
    (found,) = audit(sample, embed=False).details.protocols
    assert (found.votes, round(1 - found.different, 4)) == (117, 0.5641)
    assert found.table == [[19, 10, 8], [6, 26, 9], [11, 7, 21]]
    (every,) = audit(sorted(folder.glob("*.csv")), embed=False).details.protocols
    assert (every.votes, round(every.different, 2)) == (152, 0.48)


@pytest.mark.parametrize(
    ("name", "share"), [("chat_filtered", 0.28), ("safety-refuse_filtered", 0.16)]
)
def test_longer_is_seldom_right_in_equal_style(name: str, share: float, data: Path) -> None:
    collector = Collector()
    collector.file(data / "rm_bench" / f"{name}.json.gz", name, None)
    texts = collector.questions().texts
    assert texts is not None
    longer = [
        len(a) > len(b)
        for place, (_, a, b) in zip(collector.collected.places, texts, strict=True)
        if place.a.partition("_")[2] == place.b.partition("_")[2]
    ]
    assert len(longer) == collector.collected.records * 3
    assert np.mean(longer) == pytest.approx(share, abs=0.0051)


@pytest.mark.parametrize(
    ("name", "differently", "auroc"),
    [
        ("ab_redial/annotated_dialogues.csv.gz", 146, 0.970),
        ("tifa/human_annotations_with_scores.json.gz", 359, 1.0),
        ("tia2/human_labels_comprehensive.json.gz", 1403, 1.0),
        ("tia2/human_labels_counting.json.gz", 1732, 1.0),
    ],
)
def test_things_rated_differently_come_before_those_rated_alike(
    name: str, differently: int, auroc: float, data: Path
) -> None:
    """By doubt alone they do, but for dialogues of two raters that agree and of seven of which one
    differs; the order of the report is strict."""
    collector = Collector()
    collector.file(data / name, name, None)
    found = of_aspects(collector.ratings())[0]
    several = found.counts >= 2
    differ = found.low < found.high
    assert int(differ.sum()) == differently
    assert roc_auc_score(differ[several], found.doubts[several]) == pytest.approx(auroc, abs=0.001)
    assert differ[found.order[:differently]].all()
