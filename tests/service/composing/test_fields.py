"""Fields of pairs, as selectors read them."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from service.composing.fields import FIELDS, load_fields
from service.tables.datasets import Dataset, Upload
from service.tables.pairs import Pair
from tests.workers.replaying import asked, uploaded

pytestmark = pytest.mark.usefixtures("rung")
ROWS = [
    {
        "messages": [{"role": "user", "content": f"Question {i}?"}],
        "responses": [
            {"id": "a", "text": f"Yes {i}", "model": "zeta"},
            {"id": "b", "text": f"No {i}", "model": "alpha" if i else None},
        ],
        "comparisons": [
            {"a": "a", "b": "b", "outcome": "a", "aspect": aspect,
             "annotator": who, "annotator_kind": "human" if who == "ann" else "model"}
            for aspect, who in (("style", "ann"), ("facts", "bot"))[: 1 + i]
        ],
        **({"metadata": {"source": "web", "topic": {"name": f"t{i}"}}, "lang": "de"} if i else {}),
    }
    for i in range(2)
]  # fmt: skip


def test_each_field_says_what_the_line_and_its_labels_say(
    client: TestClient, session: Session
) -> None:
    owner = uploaded(client, "mine", ROWS)
    dataset = session.scalars(select(Dataset)).one()
    assert owner == f"datasets/{dataset.id}"
    upload = session.scalars(select(Upload)).one()
    ids = [*session.scalars(select(cast(Pair.id, String)).order_by(Pair.position))]
    assert len(ids) == 2
    names = [*FIELDS, "meta.topic.name", "meta.nothing", "unheard_of", "meta."]
    assert load_fields(session, dataset.id, names, ids) == {
        "source": ["x.jsonl", "web"],
        "upload": [upload.sha256.hex()[:16]] * 2,
        "layout": ["native"] * 2,
        "language": ["", "de"],
        "model_pair": ["", "alpha vs zeta"],
        "aspect": ["style", "facts+style"],
        "annotator": ["ann", "ann+bot"],
        "annotator_group": ["human", "human+model"],
        "meta.topic.name": ["", "t1"],
    }
    turned = load_fields(session, dataset.id, ["language"], [ids[1], "nobody", ids[0]])
    assert turned == {"language": ["de", "", ""]}
    assert load_fields(session, dataset.id, ["unheard_of"], ids) == {}


def test_the_aspects_of_a_policy_are_those_of_its_pairs(
    client: TestClient, session: Session
) -> None:
    owner = uploaded(client, "mine", ROWS[:1])
    policy = {"kind": "majority", "aspects": ["style"]}
    asked(client, f"/{owner}/pair-builds", {"policy": policy})
    built = session.scalars(select(Pair).where(Pair.build_id.is_not(None))).one()
    found = load_fields(session, built.dataset_id, ["aspect"], [str(built.id)])
    assert found == {"aspect": ["style"]}
