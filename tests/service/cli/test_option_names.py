"""A refusal of the API names what the user typed."""

import pytest

from service.cli.client import of_problem
from service.cli.option_names import of_options, option


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("body.splits", "--splits"),
        ("body.seeds.2", "--seeds"),
        ("body.split_by.0", "--split-by"),
        ("query.subset", "--subset"),
        ("path.subset_id", "SUBSET"),
        ("body.tags.0", "--tag"),
        ("body.upload_id", "--upload"),
        ("signals.margin.bootstraps", "--signal margin.bootstraps"),
        ("body", "what was asked"),
    ],
)
def test_a_field_is_told_as_its_option(field: str, typed: str) -> None:
    assert option(field) == typed


def test_every_error_of_a_request_is_told_with_its_option() -> None:
    errors = [
        {"field": "body.seed", "message": "-1 is wrong: it should be 0 or more"},
        {"field": "body.by.0", "message": "'nope' is none of 'length', 'source'"},
    ]
    problem = {"code": "invalid_request", "detail": "body.seed: …", "errors": errors}
    assert str(of_problem(problem, 2)) == (
        "--seed: -1 is wrong: it should be 0 or more; --by: 'nope' is none of 'length', 'source'"
    )


@pytest.mark.parametrize(
    ("field", "message", "said"),
    [
        ("path.job_id", "'x' is no id", "JOB: 'x' is no id; `prefsift jobs` lists them"),
        ("query.cursor", "'x' is no id", "--cursor: 'x' is no id"),
        ("body", "a subset is named twice", "a subset is named twice"),
    ],
)
def test_where_ids_are_found_is_said(field: str, message: str, said: str) -> None:
    assert of_options([{"field": field, "message": message}]) == said


@pytest.mark.parametrize(
    ("detail", "field", "line", "said"),
    [
        ("a budget is so: '-5'", "budget", None, "--budget: a budget is so: '-5'"),
        ("signals.m: no", "signals.m", None, "--signal m: no"),
        ("there is no field 'vote'", None, 1, "there is no field 'vote' (line 1)"),
        ("no tokens", "prompt", 3, "no tokens (line 3, field prompt)"),
        ("there is no field 'nope'", "nope", None, "there is no field 'nope'"),
        ("no subset 12", None, None, "no subset 12; `prefsift subsets DATASET` lists them"),
    ],
)
def test_a_field_of_a_request_is_an_option_and_one_of_a_file_a_place(
    detail: str, field: str | None, line: int | None, said: str
) -> None:
    problem = {"code": "x", "detail": detail, "field": field, "line": line}
    assert str(of_problem(problem, 2)) == said
