import numpy as np
import pytest

from curation.selectors import Pool, Selector
from curation.selectors.facility_location import FacilityLocation
from curation.selectors.fifa import Fifa
from curation.selectors.sharded import Sharded, joined, select_sharded, share, split
from curation.selectors.top import Top
from tests.curation.selectors.clusters import clustered

N = 600


def pool_of(seed: int) -> Pool:
    rng = np.random.default_rng(seed)
    prompts = [f"prompt{i}" for i in rng.integers(0, N // 3, N)]
    texts = [f"{prompt} {i}" for prompt, i in zip(prompts, rng.integers(0, 4, N), strict=True)]
    scores = {name: rng.random(N) for name in ("margin", "quality", "novelty")}
    return Pool(
        [f"{i:05}" for i in range(N)], prompts, texts, scores, clustered(N, 16, seed),
        {"source": [f"s{i % 3}" for i in range(N)]},
    )  # fmt: skip


def in_shards(selector: Selector, pool: Pool, k: int, shards: int, slack: float = 2.0) -> Sharded:
    rows = split(pool.prompt_ids, shards)
    sizes = [len(each) for each in rows]
    return select_sharded(selector, sizes, lambda i: pool.take(rows[i]), k, slack=slack)


def whole(selector: Selector, pool: Pool, k: int) -> list[str]:
    kept: list[int] = selector.select(pool, k).order.tolist()
    return [pool.ids[row] for row in kept]


@pytest.mark.parametrize("selector", [Top(max_per_prompt=2), Fifa(normalise="none")], ids=repr)
@pytest.mark.parametrize("seed", range(5))
def test_a_sum_loses_nothing_where_no_shard_had_more_to_give(selector: Selector, seed: int) -> None:
    pool = pool_of(seed)
    found = in_shards(selector, pool, 60, shards=5, slack=5.0)
    assert found.ids == whole(selector, pool, 60)


def test_the_order_of_shards_and_one_shard_change_nothing() -> None:
    pool, selector = pool_of(1), Top()
    assert in_shards(selector, pool, 50, shards=1).ids == whole(selector, pool, 50)
    rows = split(pool.prompt_ids, 4)
    turned = select_sharded(
        selector, [len(each) for each in rows[::-1]], lambda i: pool.take(rows[3 - i]), 50
    )
    assert turned.ids == in_shards(selector, pool, 50, shards=4).ids


def test_what_shards_put_forward_is_bounded_and_they_say_where_they_were_cut() -> None:
    pool = pool_of(2)
    found = in_shards(Top(), pool, 100, shards=6, slack=2.0)
    assert 100 <= found.candidates <= 200 + 6
    assert found.full_shards == 6
    assert in_shards(Top(), pool, N, shards=6).full_shards == 0


def test_coverage_by_shards_keeps_most_of_the_objective() -> None:
    """Over the whole pool: the last stage sees only what was put forward."""
    pool, selector = pool_of(3), FacilityLocation()
    assert pool.vectors is not None
    place = {name: row for row, name in enumerate(pool.ids)}

    def served(ids: list[str]) -> float:
        kept = np.asarray(pool.vectors)[[place[name] for name in ids]]
        return float(np.maximum(np.asarray(pool.vectors) @ kept.T, 0).max(axis=1).sum())

    best = served(whole(selector, pool, 40))
    near = served(in_shards(selector, pool, 40, shards=4).ids)
    chance = served(list(pool.ids)[:40])
    assert best >= near > 0.97 * best > chance


def test_pairs_of_a_prompt_lie_together_and_every_row_somewhere() -> None:
    pool = pool_of(4)
    rows = split(pool.prompt_ids, 7)
    assert sorted(np.concatenate(rows).tolist()) == list(range(N))
    prompts = [{pool.prompt_ids[row] for row in part.tolist()} for part in rows]
    assert sum(len(each) for each in prompts) == len(set(pool.prompt_ids))


def test_shards_may_be_empty_and_a_share_is_never_more_than_there_is() -> None:
    pool = pool_of(5)
    few = pool.take(np.arange(3))
    assert in_shards(Top(), few, 2, shards=8).ids == whole(Top(), few, 2)
    assert share(10, 4, 4, 2.0) == 4
    assert share(10, 50, 100, 2.0) == 10
    assert share(5, 0, 0, 2.0) == 0
    assert len(joined([])) == 0
