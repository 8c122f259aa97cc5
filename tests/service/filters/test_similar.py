"""SIMILAR keeps and orders prompts by the cosine of their vectors, exactly as numpy would."""

import os
import uuid
from typing import Any, NamedTuple

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from curation.items import Texts
from curation.signals.embedding import Embedding
from service.cells import embedding_model, write_vectors
from service.columns import load_vectors, text_id
from service.errors import Unavailable
from service.filters import BadFilter, F, Node, from_json, parse, to_json, to_text
from service.filters.builder import similar
from service.filters.query import Query
from service.queue import enqueue
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.scores import EmbeddedPrompt
from tests.service.filters.expressions import meaning
from tests.workers.dataset import add_dataset
from workers import querying, scoring
from workers.protocol import run_job

Rung = list[tuple[str, str]]
HANDLERS = {JobKind.score: scoring.Scoring(), JobKind.embed_text: querying.EmbeddingText()}
CASES = int(os.environ.get("PREFSIFT_FILTER_CASES", "120"))
ASKED = ("How do I bake a loaf?", "A game on 64 squares", "it's about bees")
ERROR = 1e-5  # of a cosine: the database adds up in single precision


class Known(NamedTuple):
    dataset: uuid.UUID
    model: int
    rows: dict[int, dict[str, Any]]  # position -> votes and the cosine with each of ASKED

    def cosines(self, said: str) -> NDArray[np.float64]:
        return np.array([row["similar"][said] for row in self.rows.values()], np.float64)


@pytest.fixture
def dataset(session: Session, workspace: Workspace, rung: Rung) -> Dataset:
    """40 pairs of 20 prompts, embedded by a real score job."""
    dataset = add_dataset(session, workspace, 40)
    job = Job(
        workspace_id=workspace.id, dataset_id=dataset.id, kind=JobKind.score, stages=scoring.STAGES,
        spec={"signals": [{"kind": "embedding"}], "refit": False},
    )  # fmt: skip
    enqueue(session, job)
    session.commit()
    run_job(job.id, ("cpu", "gpu"), HANDLERS)
    return dataset


@pytest.fixture
def known(session: Session, dataset: Dataset) -> Known:
    """What there is to find; the first prompt has no vector."""
    model = embedding_model(session, dataset.workspace_id, Embedding()).id
    names = [str(text_id("", said)) for said in ASKED]
    found = Embedding().score(Texts(names, [""] * len(ASKED), list(ASKED))).vectors
    assert found is not None
    write_vectors(session, model, names, found, [False] * len(ASKED))
    wanted = select(Pair).where(Pair.dataset_id == dataset.id).order_by(Pair.position)
    pairs = session.scalars(wanted).all()
    without = pairs[0].prompt_id
    session.execute(delete(EmbeddedPrompt).where(EmbeddedPrompt.prompt_id == without))
    links = select(EmbeddedPrompt).where(EmbeddedPrompt.dataset_id == dataset.id)
    texts = {link.prompt_id: str(link.text_id) for link in session.scalars(links)}
    asked = load_vectors(session, model, names).astype(np.float64)
    rows: dict[int, dict[str, Any]] = {}
    for pair in pairs:
        near: dict[str, float | None] = dict.fromkeys(ASKED)
        if pair.prompt_id in texts:
            vector = load_vectors(session, model, [texts[pair.prompt_id]])[0].astype(np.float64)
            lengths = np.linalg.norm(asked, axis=1) * np.linalg.norm(vector)
            near = dict(zip(ASKED, (asked @ vector / lengths).tolist(), strict=True))
        rows[pair.position] = {"votes": pair.votes, "line": pair.line, "similar": near}
    return Known(dataset.id, model, rows)


def kept(session: Session, known: Known, where: Any, orderby: str | None = None) -> list[int]:
    return Query(session, known.dataset, where, orderby).page(1000)[0]


def test_the_nearest_are_those_of_exact_search(session: Session, known: Known) -> None:
    for said in ASKED:
        wanted = (similar(said) >= -1).node
        found = kept(session, known, wanted, "similarity DESC")
        near = known.cosines(said)
        assert len(found) == np.isfinite(near).sum() == 38
        own = [known.rows[at]["similar"][said] for at in found]
        np.testing.assert_allclose(own, np.sort(near[np.isfinite(near)])[::-1], atol=ERROR)
    first = kept(session, known, (similar(ASKED[0]) > -1).node, "similarity desc")[0]
    assert known.rows[first]["line"] // 2 % 10 == 1  # bread


def similars() -> st.SearchStrategy[Node]:
    near = st.sampled_from(ASKED).map(similar)
    bound = st.floats(-0.2, 0.8).map(lambda value: round(value, 3))
    leaf = st.one_of(
        st.tuples(near, bound).map(lambda made: (made[0] > made[1]).node),
        st.tuples(near, near, bound).map(lambda made: (made[0] - made[1] <= made[2]).node),
        st.tuples(near, bound).map(lambda made: made[0].between(made[1], made[1] + 0.1).node),
        near.map(lambda made: made.is_null().node),
        st.just((F("votes") >= 1).node),
    )
    both = st.sampled_from(["and", "or"])
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(lambda each: from_json({"op": "not", "args": [to_json(each)]})),
            st.tuples(both, inner, inner).map(
                lambda made: from_json({"op": made[0], "args": [*map(to_json, made[1:])]})
            ),
        ),
        max_leaves=4,
    )


def shifted(node: Any, by: float) -> Any:
    """The JSON of a filter, every bound moved a little."""
    if "args" in node:
        return {**node, "args": [shifted(each, by) for each in node["args"]]}
    value = node.get("value")
    return {"value": value + by} if isinstance(value, float) else node


@settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tree=similars())
def test_a_filter_keeps_what_plain_python_keeps(tree: Node, session: Session, known: Known) -> None:
    ways = [from_json(shifted(to_json(tree), by)) for by in (-ERROR, 0, ERROR)]
    expected = [
        [at for at, row in known.rows.items() if meaning(each, row) is True] for each in ways
    ]
    assume(expected[0] == expected[1] == expected[2])  # no bound within the error of a cosine
    assert kept(session, known, tree) == expected[1], to_text(tree)
    assert parse(to_text(tree)) == parse(to_text(parse(to_text(tree))))


def test_three_forms_of_one_filter(session: Session, known: Known) -> None:
    text = "SIMILAR('it''s about bees') > 0.2"
    built = similar("it's about bees") > 0.2
    tree = {
        "op": ">",
        "args": [{"op": "similar", "args": [{"value": "it's about bees"}]}, {"value": 0.2}],
    }
    assert parse(text) == built.node == from_json(tree)
    assert (to_text(built.node), to_json(built.node)) == (text, tree)
    assert kept(session, known, text) == kept(session, known, tree) != []


def test_the_id_of_a_pair_stands_for_its_prompt(session: Session, known: Known) -> None:
    line = 14  # the vector of question 7
    pair = session.scalars(
        select(Pair).where(Pair.dataset_id == known.dataset, Pair.line == line)
    ).one()
    found = kept(session, known, f"SIMILAR('{pair.id}') > 0.9999", None)
    assert [known.rows[at]["line"] for at in found] == [14, 15]


def test_pages_by_similarity_hold_every_pair_once(session: Session, known: Known) -> None:
    where, order = (similar(ASKED[1]) > -1).node, "similarity DESC"
    whole = kept(session, known, where, order)
    found: list[int] = []
    cursor = None
    while True:
        page, cursor = Query(session, known.dataset, where, order).page(7, cursor)
        found += page
        if cursor is None:
            break
    assert found == whole


@pytest.mark.parametrize(
    "wrong", ["SIMILAR('') > 0", "SIMILAR(votes) > 0", "SIMILAR('it''s about bees')"]
)
def test_what_is_no_text_is_told(wrong: str, session: Session, known: Known) -> None:
    with pytest.raises(BadFilter) as error:
        Query(session, known.dataset, wrong)
    assert error.value.code == "type_error"


def test_a_dataset_without_embeddings_says_what_to_do(
    client: TestClient, session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 2)
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    answer = client.get(path, params={"where": "SIMILAR('tea') > 0.6"})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_embedded")
    assert "score the dataset with embedding first" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(path, params={"orderby": "similarity"}).json()["code"] == "unknown_field"


def test_a_worker_embeds_a_new_text_once(
    client: TestClient, session: Session, dataset: Dataset, rung: Rung
) -> None:
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    wanted = {"where": "SIMILAR('Tell me about chess') > 0.5"}
    version = Query(session, dataset.id).snapshot.version
    early = client.get(path, params=wanted)
    assert (early.status_code, early.json()["code"]) == (503, "text_not_embedded_yet")
    assert early.headers["retry-after"] == "2"
    for _ in range(2):  # the second finds the job of the first
        with pytest.raises(Unavailable):
            Query(session, dataset.id, wanted["where"])
    jobs = session.scalars(select(Job).where(Job.kind == JobKind.embed_text)).all()
    assert [job.spec["text"] for job in jobs] == ["Tell me about chess"]
    run_job(jobs[0].id, ("cpu", "gpu"), HANDLERS)
    found = client.get(path, params=wanted).json()["items"]
    assert found
    assert all("chess" in pair["prompt"][0]["content"] for pair in found)
    assert Query(session, dataset.id).snapshot.version == version


def test_a_text_that_cannot_be_embedded_is_told_and_tried_again(
    session: Session, dataset: Dataset, rung: Rung
) -> None:
    for _ in range(2):
        with pytest.raises(Unavailable):
            Query(session, dataset.id, "SIMILAR('x y') > 0")
        job = session.scalars(select(Job).where(Job.kind == JobKind.embed_text)).one()
        job.state, job.error = job.state.failed, {"detail": "no such model"}
        session.commit()
        with pytest.raises(Unavailable, match="no such model"):
            Query(session, dataset.id, "SIMILAR('x y') > 0")
