"""Counts what a dataset holds that a recipe may need, as far as it must be counted."""

import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.recipes import Need, Recipe, Runs, What, runs
from service.errors import Invalid
from service.installation import installed

ENOUGH = 100_000  # nobody needs to know of more
INGESTED = "JOIN uploads u ON u.id = l.upload_id AND u.state = 'ingested'"
OWN = "u.dataset_id = :dataset"
THUMB = "l.scale_low = 0 AND l.scale_high = 1"
WHOLE = "l.response_id IS NOT NULL AND l.turn IS NULL"


def labels(table: str, condition: str = "true") -> str:
    return f"FROM {table} l {INGESTED} WHERE {OWN} AND {condition}"


def column(*names: str) -> str:
    """Records with a column of one of these names, or metadata with it."""
    listed = ", ".join(f"'{name}'" for name in names)
    either = f"l.extra ?| ARRAY[{listed}] OR l.extra -> 'metadata' ?| ARRAY[{listed}]"
    return labels("records", f"({either})")


COUNTED: Mapping[What, str] = {
    What.pairs: "FROM pairs WHERE dataset_id = :dataset",
    What.gold: labels("records", "l.gold ? 'better'"),
    What.comparisons: labels("comparisons"),
    What.ratings: labels("ratings", f"{WHOLE} AND ({THUMB}) IS NOT TRUE"),
    What.unary: labels("ratings", f"{WHOLE} AND {THUMB}"),
    What.rankings: labels("rankings"),
    What.scores: labels("records", "l.responses @? '$[*].scores.*'"),
    What.log_probs: labels(
        "records",
        """(l.extra ?| ARRAY['chosen_logps', 'policy_chosen_logps']
        OR l.responses @? '$[*].scores ? (exists (@.logps) || exists (@.policy_logps))')""",
    ),
    What.annotators: "FROM annotators WHERE dataset_id = :dataset",
    What.several_labels: "FROM pairs WHERE dataset_id = :dataset AND votes >= 2",
    What.human_and_model: f"""FROM (SELECT 1 {labels("comparisons")} AND EXISTS (
        SELECT 1 FROM comparisons m JOIN annotators k ON k.dataset_id = m.dataset_id
            AND k.id = m.annotator_id AND k.kind = 'model'
        WHERE m.upload_id = l.upload_id AND m.line = l.line
            AND least(m.a, m.b) = least(l.a, l.b) AND greatest(m.a, m.b) = greatest(l.a, l.b))
        AND EXISTS (SELECT 1 FROM annotators h WHERE h.dataset_id = l.dataset_id
            AND h.id = l.annotator_id AND h.kind = 'human')) both_kinds""",
    What.feedback: labels("feedback"),
    What.chat: """FROM prompts WHERE dataset_id = :dataset
        AND messages @? '$[*] ? (@.role == "assistant")'""",
    What.images: """FROM responses WHERE dataset_id = :dataset
        AND uri IS NOT NULL AND text IS NULL AND messages IS NULL""",
    What.models: "FROM responses WHERE dataset_id = :dataset AND model IS NOT NULL",
    What.source: column("source", "dataset", "subset"),
    What.language: column("language", "lang"),
}


def holdings(session: Session, dataset_id: uuid.UUID, asked: Iterable[What]) -> dict[What, int]:
    """How many there are of each that is asked for and that a dataset can hold."""
    return {
        what: session.scalar(
            text(f"SELECT count(*) FROM (SELECT 1 {COUNTED[what]} LIMIT {ENOUGH}) counted"),
            {"dataset": dataset_id},
        )
        or 0
        for what in dict.fromkeys(asked)
        if what in COUNTED
    }


def runs_here(session: Session, dataset_id: uuid.UUID, recipe: Recipe) -> Runs:
    """Whether the recipe runs on this dataset, with what this installation has."""
    return runs(recipe.needs, present(session, dataset_id, recipe.needs))


def present(session: Session, dataset_id: uuid.UUID, needs: Iterable[Need]) -> dict[What, int]:
    """What the dataset and the installation have of these."""
    return {**installed(), **holdings(session, dataset_id, [need.what for need in needs])}


def refuse_unmet(session: Session, dataset_id: uuid.UUID, recipe: Recipe) -> None:
    """Raises Invalid `recipe_needs` where the recipe can't run, and not even degraded."""
    found = runs_here(session, dataset_id, recipe)
    if found.missing:
        raise Invalid(
            f"{recipe.id} can't run on this dataset: {found.refusal()}",
            code="recipe_needs",
            needs=[str(need.what) for need in found.missing],
        )
