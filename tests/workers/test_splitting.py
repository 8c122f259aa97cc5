"""Splits of exports: leak-free, and the same for every prompt when the dataset grows."""

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.grouping import LEFT_OUT, near_duplicates
from service.columns import text_id
from service.export.splitting import Scheme, split_dataset
from service.export.verify import verify
from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload
from service.tables.items import Prompt, Record
from service.tables.labels import Annotator, Comparison
from service.tables.splits import SplitAssignment
from tests.workers.dataset import add_dataset, add_pairs
from tests.workers.subsets import add_subset
from tests.workers.test_exporting import export, run, unpack

SCHEME = Scheme(fraction=0.4, seed=1)
ASKED = "Tell me in a few plain words what the old keeper of the lighthouse number {} saw at night"


def add_prompt(session: Session, dataset: Dataset, text: str) -> str:
    said = [{"role": "user", "content": text}]
    found = Prompt(dataset_id=dataset.id, id=text_id("prompt", text), messages=said)
    upload = session.scalars(select(Upload).where(Upload.dataset_id == dataset.id)).first()
    assert upload is not None
    line = 10_000 + int(found.id.hex[:7], 16)
    session.add_all(
        [found, Record(upload_id=upload.id, line=line, dataset_id=dataset.id, prompt_id=found.id)]
    )
    session.flush()
    return str(found.id)


def splits_of(session: Session, dataset: Dataset, scheme: Scheme = SCHEME) -> dict[str, str]:
    return dict(split_dataset(session, dataset.id, scheme).assigned.splits)


def test_nothing_moves_when_rows_are_added(session: Session, workspace: Workspace) -> None:
    dataset = add_dataset(session, workspace, 120)
    first = splits_of(session, dataset)
    assert set(first.values()) == {"train", "test"}
    add_pairs(session, dataset, range(120, 300))
    second = splits_of(session, dataset)
    assert len(second) == 150
    assert {prompt: second[prompt] for prompt in first} == first
    assert splits_of(session, dataset) == second
    query = select(func.count()).where(SplitAssignment.dataset_id == dataset.id)
    assert session.scalar(query) == 150


def test_planted_near_duplicates_are_in_one_split(session: Session, workspace: Workspace) -> None:
    dataset = add_dataset(session, workspace, 0)
    texts = [ASKED.format(f"{i}{i} and {i}") for i in range(40)]
    twins = [text.replace("Tell", "say").upper() for text in texts]
    first = [add_prompt(session, dataset, text) for text in texts]
    splits = splits_of(session, dataset)
    second = [add_prompt(session, dataset, text) for text in twins]
    later = splits_of(session, dataset)
    assert {prompt: later[prompt] for prompt in first} == splits
    ids = first + second
    for group in near_duplicates([*texts, *twins]):
        assert len({later[ids[i]] for i in group} - {LEFT_OUT}) == 1


def test_a_prompt_that_is_like_one_of_train_and_one_of_test_is_left_out(
    session: Session, workspace: Workspace
) -> None:
    dataset = add_dataset(session, workspace, 0)
    words = [f"w{i}" for i in range(40)]
    ends = [
        add_prompt(session, dataset, " ".join([*words[:30], f"x{i}", f"y{i}"])) for i in range(60)
    ]
    scheme = Scheme(fraction=0.4, seed=1, threshold=0.9)
    splits = splits_of(session, dataset, scheme)
    assert {splits[each] for each in ends} == {"train", "test"}
    bridge = add_prompt(session, dataset, " ".join(words[:30]))
    later = splits_of(session, dataset, scheme)
    assert later[bridge] == LEFT_OUT
    assert {prompt: later[prompt] for prompt in splits} == splits


def test_what_one_annotator_judged_is_in_one_split(session: Session, workspace: Workspace) -> None:
    dataset = add_dataset(session, workspace, 80)
    upload = session.scalars(select(Upload).where(Upload.dataset_id == dataset.id)).one()
    records = session.scalars(select(Record).where(Record.upload_id == upload.id)).all()
    who: dict[str, str] = {}
    for name in range(8):
        annotator = Annotator(
            dataset_id=dataset.id, id=text_id("annotator", str(name)), name=f"a{name}", kind="human"
        )
        session.add(annotator)
        session.flush()
        for record in records:
            if int(record.prompt_id.hex, 16) % 8 == name:
                who[str(record.prompt_id)] = annotator.name
                one, other = (text_id(str(record.line), side) for side in "ab")
                session.add(
                    Comparison(
                        dataset_id=dataset.id, upload_id=upload.id, line=record.line,
                        part=0, ordinal=0, a=one, b=other, outcome="a", annotator_id=annotator.id,
                    )
                )  # fmt: skip
    session.flush()
    scheme = Scheme(by=("prompt", "annotator"), fraction=0.4)
    splits = splits_of(session, dataset, scheme)
    assert set(splits.values()) == {"train", "test"}
    for name in set(who.values()):
        assert len({splits[prompt] for prompt, by in who.items() if by == name}) == 1


def test_two_schemes_are_independent_and_naming_prompt_changes_nothing() -> None:
    assert Scheme(by=("conversation",)).sha256() == Scheme(by=("prompt", "conversation")).sha256()
    assert Scheme(seed=1).sha256() != Scheme(seed=2).sha256()


@pytest.mark.usefixtures("rung")
def test_an_export_says_how_it_was_split_and_verify_finds_a_leak(
    session: Session, workspace: Workspace, tmp_path: Path
) -> None:
    made = export(session, workspace, add_subset(session, add_dataset(session, workspace, 120)))
    made.options = {"test_fraction": 0.3}
    session.commit()
    run(session, made)
    folder = unpack(made, tmp_path)
    said = orjson.loads((folder / "manifest.json").read_bytes())
    assert said["split"]["by"] == ["prompt", "conversation", "near_duplicate"]
    assert (said["split"]["rows_left_out"], said["split"]["exceptions"]) == (0, {})
    assert verify(folder) == []
    train, test = (next((folder / "data").glob(f"{split}-*")) for split in ("train", "test"))
    rows = pq.read_table(train).to_pylist()
    leaked = pq.read_table(test).to_pylist()[0]["prompt"][0]["content"]
    rows[0]["prompt"] = [{"role": "user", "content": f"  {leaked.upper()}!"}]
    pq.write_table(pq.ParquetFile(train).read().from_pylist(rows), train)
    assert any("belong together" in found.message for found in verify(folder))
