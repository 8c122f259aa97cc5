"""pairs.parquet: one row a record and unordered pair of responses that its labels decide."""

from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.audit.assess import Assessment
from curation.audit.questions import Questions
from service.audit.collect import Place

LABELS = ("a", "b", "tie", "both_bad")
SIGNALS = (
    "majority.p_a", "one_coin.p_a", "dawid_skene.p_a", "content.p_a", "content.p_correct",
    "content.margin", "content.spread", "content.expected", "content.mutual", "em.p_correct",
    "verified.p_correct", "disagreement.share", "repeats.others", "repeats.against",
    "near_repeats.others", "near_repeats.against", "graph.p_a", "graph.tension",
    "rewards.margin", "rewards.spread", "rewards.vote_share", "rewards.p_correct",
    "policy.ranked", "policy.difficulty", "policy.loss_needed", "policy.idealised",
    "decomposition.total", "decomposition.expected", "decomposition.mutual",
    "both_orders.judges", "both_orders.consistent", "both_orders.p_a",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("file", pa.string()), ("line", pa.int64()), ("record_id", pa.string()),
        ("a", pa.string()), ("b", pa.string()), ("label", pa.string()), ("n_labels", pa.int64()),
        ("p_a_better", pa.float64()), ("p_correct", pa.float64()), ("action", pa.string()),
        ("witnesses", pa.list_(pa.string())), *((name, pa.float64()) for name in SIGNALS),
    ]
)  # fmt: skip


def table(places: Sequence[Place], questions: Questions, found: Assessment) -> Any:  # pa.Table
    """A signal that knows nothing of a pair is null there; `p_a_better` never is."""
    columns: dict[str, Any] = {
        name: [getattr(place, name) for place in places] for name in Place._fields
    }
    columns["label"] = [LABELS[label] for label in questions.labels.tolist()]
    columns["n_labels"] = questions.n_labels
    columns["p_a_better"] = found.posterior.p_a
    columns["p_correct"] = nullable(found.p_correct)
    columns["action"] = found.ruling.actions.tolist()
    columns["witnesses"] = [list(names) for names in found.ruling.witnesses]
    unknown = np.full(len(places), np.nan)
    columns |= {name: nullable(found.columns.get(name, unknown)) for name in SIGNALS}
    return pa.table(columns, schema=SCHEMA)


def nullable(values: Any) -> Any:  # pa.Array
    return pa.array(values, pa.float64(), from_pandas=True)


def write(to: IO[bytes], rows: Any) -> None:
    pq.write_table(rows, to, compression="zstd")
