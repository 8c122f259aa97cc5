"""Text, JSON and Python are forms of one tree; what is no filter is refused with its place."""

import pytest
from hypothesis import given, settings

from service.filters import BadFilter, F, Node, from_json, parse, to_json, to_text
from service.filters.builder import any_judgment, match
from tests.service.filters.expressions import conditions


@settings(max_examples=300)
@given(tree=conditions())
def test_every_form_gives_the_same_tree(tree: Node) -> None:
    assert from_json(to_json(tree)) == tree
    assert parse(to_text(parse(to_text(tree)))) == parse(to_text(tree))


def test_the_forms_of_a_filter() -> None:
    built = (F("reward_margin") > 0.5) & ((F("language") == "en") | (F("n_judgments") >= 3))
    text = '"reward_margin" > 0.5 AND ("language" = \'en\' OR "n_judgments" >= 3)'
    assert parse(text) == built.node
    assert to_json(built.node) == {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"field": "reward_margin"}, {"value": 0.5}]},
            {
                "op": "or",
                "args": [
                    {"op": "=", "args": [{"field": "language"}, {"value": "en"}]},
                    {"op": ">=", "args": [{"field": "n_judgments"}, {"value": 3}]},
                ],
            },
        ],
    }


@pytest.mark.parametrize(
    ("text", "built"),
    [
        (
            "chosen.length - rejected.length < -200",
            F("chosen.length") - F("rejected.length") < -200,
        ),
        ("NOT x NOT IN (1, 2e3)", ~~F("x").is_in(1, 2000.0)),
        ("x BETWEEN 1 AND 2", F("x").between(1, 2)),
        ("x NOT LIKE 'a%'", ~F("x").like("a%")),
        ("metadata.a.b.c.d = TRUE", F("metadata.a.b.c.d") == True),  # noqa: E712
        ("MATCH('it''s')", match("it's")),
        ("any(judgment, outcome = 'tie')", any_judgment(F("outcome") == "tie")),
        ("'ANY(' = x", None),
    ],
)
def test_text_and_python(text: str, built: object) -> None:
    if built is None:
        assert to_text(parse(text)) == text
    else:
        assert parse(text) == built.node  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "text",
    [
        "", "(", "a = 'x", "a = 1; drop table pairs", "a IN (SELECT 1)", "a::text = 'b'",
        "abs(a) > 1", "a ~ '(a+)+$'", "a || 'b' = 'c'", "a = ANY(1)", "EXISTS(SELECT 1)", "a IN ()",
        "CASE WHEN a THEN b END", "pg_sleep(10)", "a[1] = 2", "ANY(votes, a = 1)", "a > > 1", "*",
        "a = $1", "a = ?", "a = :b", "a COLLATE x = b", "a IS DISTINCT FROM b",
        "1 = 1 UNION SELECT 1",
    ],
)  # fmt: skip
def test_what_the_language_lacks_is_refused(text: str) -> None:
    with pytest.raises(BadFilter) as error:
        parse(text)
    assert error.value.status == 422


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "a = 1" + ")" * 10_000, "NOT " * 3000 + "a = 1",
        "a = 1 AND " * 5000 + "a = 1",
        "a IN (" + ",".join("1" * 100_000) + ")", "-" * 1500 + "a > 1", "a" + " + a" * 900 + " > 1",
        "x" * 1_000_000,
    ],
)  # fmt: skip
def test_what_is_too_complex_is_refused(text: str) -> None:
    with pytest.raises(BadFilter) as error:
        parse(text)
    assert error.value.code in ("filter_too_complex", "bad_filter")


def test_a_mistake_has_its_place() -> None:
    with pytest.raises(BadFilter) as error:
        parse("a = 1 AND\nb = = 2")
    assert (error.value.fields["line"], error.value.fields["near"]) == (2, "=")


def test_numbers_must_be_finite_and_text_without_nul() -> None:
    for text, code in (("a = 1e999", "not_finite"), ("a = '\x00'", "nul_character")):
        with pytest.raises(BadFilter) as error:
            parse(text)
        assert error.value.code == code
    with pytest.raises(BadFilter):
        from_json({"value": float("nan")})
    deep: object = {"field": "a"}
    for _ in range(5000):
        deep = {"op": "not", "args": [deep]}
    with pytest.raises(BadFilter):
        from_json(deep)
