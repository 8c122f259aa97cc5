"""A pair policy over a dataset: what it would build, and the rows of what it builds."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from curation.pairing import POLICY, BuiltPair, PairPolicy
from curation.pairing.policy import Built
from curation.pairing.summary import EXAMPLES, Summary
from curation.pairing.wildfeedback import Read, WildFeedback
from service.columns import raw, response_text
from service.errors import Conflict, Invalid
from service.ingest import identity
from service.ingest.store import hold_dataset
from service.labels import feedback_builds
from service.labels.judgments import Prompt, TooMany, prompts
from service.tables import items
from service.tables.datasets import Upload, UploadState
from service.tables.pairs import FIRST_BUILD, PairBuild, built_position

READINGS = 3
CHUNK = 5000  # pairs that are written together
SHOWN = 2000  # characters of a text in an example

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_pairs (LIKE pairs) ON COMMIT DELETE ROWS
"""
COLUMNS = (
    "dataset_id", "id", "position", "prompt_id", "chosen_id", "rejected_id", "content_id",
    "upload_id", "line", "votes", "agreement", "margin", "soft_label", "curriculum_stage",
    "build_id",
)  # fmt: skip
TYPES = ["uuid", "uuid", "int8", *["uuid"] * 5, "int8", "int8", *["float8"] * 3, "int2", "uuid"]
COPY = f"COPY incoming_pairs ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
# A pair that an earlier build of the policy made stays as it is and belongs to this build.
INSERT = f"""
WITH written AS (
    INSERT INTO pairs ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM incoming_pairs
    ON CONFLICT (dataset_id, id) DO UPDATE SET build_id = EXCLUDED.build_id
    RETURNING xmax = 0 AS fresh
)
SELECT count(*) FILTER (WHERE fresh) FROM written
"""


LABELS_STATE = text("""
SELECT md5(concat_ws(';',
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM uploads WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM erasures WHERE dataset_id = :dataset)
))
""")


class BuiltPrompt(NamedTuple):
    prompt: Prompt
    built: Built


class Example(NamedTuple):
    """A pair of the report, by ids."""

    prompt_id: str
    pair: BuiltPair


def policy_of(build: PairBuild) -> PairPolicy:
    return POLICY.validate_python(build.policy)


def labels_sha256(session: Session, dataset_id: uuid.UUID) -> str:
    """Names the uploads whose labels a policy reads now."""
    query = select(Upload.id).where(
        Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested
    )
    ids = sorted(str(id) for id in session.scalars(query))
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def newest_build(session: Session, dataset_id: uuid.UUID, policy: PairPolicy) -> PairBuild | None:
    """The newest build of this policy whose pairs are there."""
    ready = (
        select(PairBuild)
        .where(PairBuild.dataset_id == dataset_id, PairBuild.policy_sha256 == policy.sha256())
        .where(PairBuild.state == "ready")
        .order_by(PairBuild.ordinal.desc())
    )
    return session.scalars(ready.limit(1)).first()


def add_build(
    session: Session, dataset_id: uuid.UUID, described: Mapping[str, Any], labels: str
) -> PairBuild:
    """A pending build, the next of its dataset. Raises Conflict where there are too many."""
    last = session.scalar(
        select(func.max(PairBuild.ordinal)).where(PairBuild.dataset_id == dataset_id)
    )
    if (last or 0) + 1 >= FIRST_BUILD:
        raise Conflict(
            f"a dataset has at most {FIRST_BUILD - 1} pair builds: delete the last ones",
            code="too_many_builds",
        )
    made = PairBuild(
        id=uuid.uuid4(), dataset_id=dataset_id, ordinal=(last or 0) + 1, labels_sha256=labels,
        state="pending", **described,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def apply(
    session: Session, dataset_id: uuid.UUID, policy: PairPolicy, limit: int | None, seen: "Seen"
) -> Iterator[BuiltPrompt]:
    """What the policy builds of each prompt, counted as it goes by; at most `limit` prompts."""
    for found in islice(prompts(session, dataset_id), limit):
        if isinstance(found, TooMany):
            built = Built([], Counter(too_many_records=1))
            seen.summary.add_prompt(built)
            continue
        built = policy.build(found.judged)
        built.pairs.sort(key=lambda pair: (pair.stage or 0, pair.chosen, pair.rejected))
        seen.add(found, built)
        yield BuiltPrompt(found, built)


class Seen:
    """The report as it grows."""

    def __init__(self) -> None:
        self.summary = Summary()
        self.examples: list[Example] = []

    def add(self, prompt: Prompt, built: Built) -> None:
        self.summary.add_prompt(built)
        for pair in built.pairs:
            chosen, rejected = prompt.answers[pair.chosen], prompt.answers[pair.rejected]
            if chosen.length is not None and rejected.length is not None:
                self.summary.add_lengths(chosen.length, rejected.length)
        if built.pairs and len(self.examples) < EXAMPLES:
            self.examples.append(Example(prompt.judged.prompt_id, built.pairs[0]))

    def report(self, session: Session, dataset_id: uuid.UUID) -> dict[str, Any]:
        examples = [shown(session, dataset_id, example) for example in self.examples]
        return {**self.summary.report(), "examples": examples}


def preview(
    session: Session, dataset_id: uuid.UUID, policy: PairPolicy, limit: int
) -> dict[str, Any]:
    """The report of what would be built of the first `limit` prompts by id, a uniform sample.

    Raises Invalid for a policy that reads conversations: its models run in a worker only.
    """
    if isinstance(policy, WildFeedback):
        raise Invalid("it reads conversations with a model: build it instead", code="no_preview")
    seen = Seen()
    for _ in apply(session, dataset_id, policy, limit, seen):
        pass
    return {**seen.report(session, dataset_id), "complete": seen.summary.prompts < limit}


def build(session: Session, made: PairBuild, progress: Callable[[int], None]) -> None:
    """Write the pairs of a build and its report; the caller commits."""
    policy = policy_of(made)
    found = read_unheld(session, made, policy, progress)
    made.labels_sha256 = labels_sha256(session, made.dataset_id)
    if found is None:
        build_of_labels(session, made, policy, progress)
    else:
        feedback_builds.fill(session, made, found)
    # Else the select that follows joins what the server takes for nearly empty: 754 pairs of a
    # build, read in a loop over loops, took minutes.
    session.execute(text("ANALYZE prompts, responses, pairs"))


def read_unheld(
    session: Session, made: PairBuild, policy: PairPolicy, progress: Callable[[int], None]
) -> Read | None:
    """What a policy with models reads, before the dataset is held: uploads go on meanwhile. Held
    afterwards. Raises Conflict where the labels never stay as they are for so long."""
    if not isinstance(policy, WildFeedback):
        hold_dataset(session, made.dataset_id)
        return None
    for _ in range(READINGS):
        before = session.scalar(LABELS_STATE, {"dataset": made.dataset_id})
        found = feedback_builds.read(session, made.dataset_id, policy, progress)
        attempt = session.begin_nested()
        hold_dataset(session, made.dataset_id)
        if session.scalar(LABELS_STATE, {"dataset": made.dataset_id}) == before:
            attempt.commit()
            return found
        attempt.rollback()  # and nobody holds the dataset any more
    raise Conflict(
        f"the labels changed while they were read, {READINGS} times: build again when no upload "
        "or erasure is under way",
        code="labels_changed",
    )


def build_of_labels(
    session: Session, made: PairBuild, policy: PairPolicy, progress: Callable[[int], None]
) -> None:
    seen, added = Seen(), 0
    rows = pair_rows(made, apply(session, made.dataset_id, policy, None, seen))
    while chunk := list(islice(rows, CHUNK)):
        added += write(session, chunk)
        progress(seen.summary.prompts)
    report = {**seen.report(session, made.dataset_id), "complete": True}
    made.report = {**report, "added": added, "already_there": report["pairs"] - added}
    made.state = "ready"


def pair_rows(made: PairBuild, built: Iterator[BuiltPrompt]) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of COLUMNS."""
    number = 0
    for prompt, found in built:
        prompt_id = uuid.UUID(prompt.judged.prompt_id)
        times: Counter[BuiltPair] = Counter()
        for pair in found.pairs:
            chosen, rejected = prompt.answers[pair.chosen], prompt.answers[pair.rejected]
            content = identity.pair_content_id(prompt_id.bytes, chosen.digest, rejected.digest)
            id = identity.built_pair_id(
                made.policy_sha256, prompt.judged.prompt_id, pair, times[pair]
            )
            times[pair] += 1
            yield (
                made.dataset_id, uuid.UUID(bytes=id), built_position(made.ordinal, number),
                prompt_id, uuid.UUID(pair.chosen), uuid.UUID(pair.rejected),
                uuid.UUID(bytes=content), uuid.UUID(chosen.place[0]), chosen.place[1],
                pair.votes, pair.agreement, pair.margin, pair.soft_label, pair.stage, made.id,
            )  # fmt: skip
            number += 1


def write(session: Session, rows: list[tuple[Any, ...]]) -> int:
    """How many of them were not there yet."""
    with raw(session).cursor() as cursor:
        cursor.execute(INCOMING)
        cursor.execute("TRUNCATE incoming_pairs")
        with cursor.copy(COPY.encode()) as copy:
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(row)
        cursor.execute(INSERT.encode())
        (added,) = cursor.fetchone() or (0,)
    return added


def shown(session: Session, dataset_id: uuid.UUID, example: Example) -> dict[str, Any]:
    """A pair with its texts."""
    prompt = session.get_one(items.Prompt, (dataset_id, uuid.UUID(example.prompt_id)))
    pair = example.pair
    return {
        "prompt": prompt.messages,
        "chosen": text_of(session, dataset_id, pair.chosen),
        "rejected": text_of(session, dataset_id, pair.rejected),
        "margin": pair.margin,
        "votes": pair.votes,
        "agreement": pair.agreement,
        "soft_label": pair.soft_label,
        "curriculum_stage": pair.stage,
    }


def text_of(session: Session, dataset_id: uuid.UUID, id: str) -> dict[str, Any]:
    row = session.get_one(items.Response, (dataset_id, uuid.UUID(id)))
    said = row.uri if row.text is None and row.messages is None else None
    text = said or response_text(row.text, row.messages)
    return {"text": text[:SHOWN], "model": row.model}
