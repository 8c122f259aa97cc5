"""A small dataset of real text, written straight into the tables."""

import uuid

from sqlalchemy.orm import Session

from service.columns import text_id
from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.items import Prompt, Record, Response
from service.tables.pairs import Pair, position

TOPICS = ("tea", "bread", "rain", "chess", "maps", "bees", "ink", "salt", "snow", "trains")


def add_dataset(session: Session, workspace: Workspace, pairs: int, start: int = 0) -> Dataset:
    """`pairs` pairs on half as many prompts; the chosen response is the longer one."""
    dataset = Dataset(workspace_id=workspace.id, name=f"set-{uuid.uuid4().hex[:8]}")
    session.add(dataset)
    session.flush()
    add_pairs(session, dataset, range(start, start + pairs))
    session.commit()
    return dataset


def add_pairs(session: Session, dataset: Dataset, numbers: range) -> None:
    ordinal = numbers.start + 1
    upload = Upload(
        dataset_id=dataset.id, ordinal=ordinal, filename="x.jsonl", size=1,
        sha256=ordinal.to_bytes(32), state=UploadState.ingested,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    for n in numbers:
        add_pair(session, upload, n)
    session.flush()


def add_pair(session: Session, upload: Upload, n: int) -> None:
    topic = TOPICS[n // 2 % len(TOPICS)]
    prompt_text = f"What should I know about {topic}, question {n // 2}?"
    prompt_id = text_id("prompt", prompt_text)
    if session.get(Prompt, (upload.dataset_id, prompt_id)) is None:
        messages = [{"role": "user", "content": prompt_text}]
        session.add(Prompt(dataset_id=upload.dataset_id, id=prompt_id, messages=messages))
        session.flush()
    texts = (f"{topic.title()} is old, common and useful; answer {n} says more.", f"No idea {n}.")
    ids = [text_id("response", text) for text in texts]
    session.add_all(
        Response(dataset_id=upload.dataset_id, id=id, prompt_id=prompt_id, text=text)
        for id, text in zip(ids, texts, strict=True)
    )
    session.add(
        Record(upload_id=upload.id, line=n, dataset_id=upload.dataset_id, prompt_id=prompt_id)
    )
    session.flush()
    session.add(
        Pair(
            dataset_id=upload.dataset_id, id=text_id("pair", str(n)), prompt_id=prompt_id,
            position=position(upload.ordinal, n, 0), chosen_id=ids[0], rejected_id=ids[1],
            content_id=text_id(*texts), upload_id=upload.id, line=n, votes=1, agreement=1.0,
        )
    )  # fmt: skip
