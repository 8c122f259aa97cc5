"""L05: its worked number, a brute force, ids."""

import numpy as np
import pytest

from curation.review.retrieval import how_many, retrieve


def test_how_many_are_fetched_by_confidence() -> None:
    assert how_many(np.array([0.3, 0.6, 0.9, 0.99])).tolist() == [8, 4, 1, 1]
    assert how_many(np.array([0.0, 0.5, 0.7, 1.0]), 10).tolist() == [10, 10, 3, 0]
    with pytest.raises(ValueError, match="probability"):
        how_many(np.array([1.1]))


def test_each_pair_is_fetched_once_for_the_query_that_it_is_nearest_to() -> None:
    rng = np.random.default_rng(0)
    queries, pool = rng.normal(size=(7, 5)), rng.normal(size=(60, 5))
    p = rng.random(7)
    found = retrieve(queries, p, pool, [f"{i:03}" for i in range(60)])
    cosine = (queries @ pool.T) / np.outer(
        np.linalg.norm(queries, axis=1), np.linalg.norm(pool, axis=1)
    )
    fetched = [
        (cosine[q, row], q, row)
        for q in range(7)
        for row in np.argsort(-cosine[q])[: how_many(p)[q]]
    ]
    expected = {row: max(each for each in fetched if each[2] == row) for *_, row in fetched}
    best = sorted(expected.values(), reverse=True)
    assert found.rows.tolist() == [row for *_, row in best]
    assert found.queries.tolist() == [q for _, q, _ in best]
    assert found.similarity == pytest.approx([value for value, *_ in best], abs=1e-9)


def test_equal_pairs_come_by_id_wherever_they_stand() -> None:
    pool = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    found = retrieve(np.array([[3.0, 0.0]]), np.array([0.75]), pool, ["z", "b", "c", "a"], 4)
    assert found.rows.tolist() == [2]
    found = retrieve(np.array([[3.0, 0.0]]), np.array([0.4]), pool, ["z", "b", "c", "a"], 9)
    assert found.rows.tolist() == [2, 0, 3, 1]


def test_no_query_or_no_pool_fetches_nothing() -> None:
    none = np.zeros((0, 2))
    assert len(retrieve(none, np.zeros(0), np.ones((3, 2)), list("abc")).rows) == 0
    assert len(retrieve(np.ones((1, 2)), np.zeros(1), none, []).rows) == 0
