"""The embed stage: every text of the pairs that has no vector yet is embedded, once."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from curation.items import Pairs, Texts, View
from curation.signals import Level, Signal, parse_signal
from service.cells import embedding_model, write_embedded_prompts, write_vectors
from service.columns import Rows, item_ids, load_pairs, view_texts, with_vectors
from service.media import media_pairs, texts_of
from service.tables.jobs import Job
from service.tables.scores import EmbeddingRow
from workers.handler import ShardPlan, Work

PAIRS = 128  # a shard: the texts of so many pairs that no earlier shard has
BATCH = 128  # texts that are committed together


def embedder_of(signal: Signal) -> Signal | None:
    """The embedding signal that a signal's vectors come from; itself where it is one."""
    return signal if signal.level == Level.text else getattr(signal, "embedder", None)


def wanted_views(signals: Iterable[Signal]) -> list[tuple[Signal, list[View]]]:
    """Each embedder with the views that its users need, in the order of `View`."""
    embedders: dict[str, Signal] = {}
    views: dict[str, set[View]] = {}
    for signal in signals:
        embedder = embedder_of(signal)
        if embedder is not None:
            embedders.setdefault(embedder.identity(), embedder)
            own = View if signal.level == Level.text else signal.views
            views.setdefault(embedder.identity(), set()).update(own)
    return [
        (embedder, [view for view in View if view in views[identity]])
        for identity, embedder in embedders.items()
    ]


def plan(
    session: Session,
    job: Job,
    signals: Sequence[Signal],
    among: Sequence[str] | None = None,
    size: int = PAIRS,
) -> list[ShardPlan]:
    """Shards of texts without a vector; a text that occurs twice is in one shard only.

    `among`: of these pairs alone, in this order. `size`: pairs a shard.
    """
    assert job.dataset_id is not None
    plans: list[ShardPlan] = []
    pair_ids = item_ids(session, job.dataset_id, Level.pair) if among is None else among
    media = media_pairs(session, job.dataset_id)
    for embedder, views in wanted_views(signals):
        model = embedding_model(session, job.workspace_id, embedder)
        planned: set[str] = set()
        for start in range(0, len(pair_ids), size):
            part = list(pair_ids[start : start + size])
            texts = texts_by_id(load_pairs(session, job.dataset_id, part), views, media)
            new = [name for name in texts if name not in planned]
            new = sorted(set(new) - known(session, model.id, new))
            planned.update(new)
            if new:
                payload = {
                    "embedder": embedder.model_dump(mode="json"),
                    "model_id": model.id,
                    "views": views,
                    "pairs": part,
                    "texts": new,
                }
                plans.append(ShardPlan(payload, len(new), queue_of(embedder)))
    return plans


def name_prompts(session: Session, job: Job, signals: Sequence[Signal]) -> None:
    """Say which vector each prompt has, for filters by meaning."""
    assert job.dataset_id is not None
    for embedder, views in wanted_views(signals):
        if View.prompt in views:
            model = embedding_model(session, job.workspace_id, embedder)
            write_embedded_prompts(session, job.dataset_id, model.id)


def run(work: Work) -> None:
    assert work.job.dataset_id is not None
    payload, session = work.payload, work.session
    embedder = parse_signal(payload["embedder"])
    pairs = load_pairs(session, work.job.dataset_id, payload["pairs"])
    media = media_pairs(session, work.job.dataset_id, payload["pairs"])
    texts = texts_by_id(pairs, [View(view) for view in payload["views"]], media)
    there = texts.keys() & set(payload["texts"])  # without those of pairs that have left since
    missing = there - known(session, payload["model_id"], sorted(there))
    by_length = sorted(missing, key=lambda name: (sum(map(len, texts[name])), name))
    for start in range(0, len(by_length), BATCH):
        ids = by_length[start : start + BATCH]
        scores = embedder.score(Texts(ids, *zip(*(texts[name] for name in ids), strict=True)))
        assert scores.vectors is not None
        truncated = [bool(cut) for cut in scores.columns["truncated"].values]
        write_vectors(session, payload["model_id"], ids, scores.vectors, truncated)
        work.checkpoint(len(ids))


def texts_by_id(
    pairs: Pairs, views: Iterable[View], media: frozenset[str]
) -> dict[str, tuple[str, str]]:
    """(prefix, body) of each distinct text; of a pair of images, the prompt alone."""
    found: dict[str, tuple[str, str]] = {}
    answered = texts_of(pairs, media)
    for view in views:
        texts = view_texts(pairs if view == View.prompt else answered, view)
        found.update(zip(texts.ids, zip(texts.prefixes, texts.bodies, strict=True), strict=True))
    return found


def known(session: Session, model_id: int, text_ids: Sequence[str]) -> set[str]:
    """Those of the texts that have a vector."""
    ids = [uuid.UUID(name) for name in text_ids]
    return set(
        session.scalars(
            select(cast(EmbeddingRow.text_id, String)).where(
                EmbeddingRow.model_id == model_id, EmbeddingRow.text_id.in_(ids)
            )
        )
    )


def queue_of(signal: Signal) -> str:
    """Work on a GPU only where the specification asks for it: `auto` runs anywhere."""
    return "gpu" if getattr(signal, "device", "auto") == "cuda" else "cpu"


def embedded(session: Session, job: Job, signal: Signal, items: Rows) -> Rows:
    """The items with the vectors that the signal reads."""
    embedder = embedder_of(signal)
    if embedder is None or not signal.views:
        return items
    model = embedding_model(session, job.workspace_id, embedder)
    return with_vectors(session, items, model.id, signal.views)
