"""Pairs from ratings with the installed command: preview, build, select, export, curate."""

import time
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from tests.e2e.installed import Home
from tests.service.labels.pair_building import rating_lines
from tests.service.serving import client_of

pytestmark = pytest.mark.e2e

TOPICS = ("tea", "bread", "rain", "chess", "maps", "bees", "ink", "salt", "snow", "trains")
RATED = {f"What is {topic}?": {"a": 7, "b": 5, "c": 5, "d": 2} for topic in TOPICS}


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.jsonl"
    path.write_bytes(rating_lines(RATED))
    return path


def test_ratings_are_previewed_built_selected_and_exported(
    stack: Home, ratings: Path, tmp_path: Path
) -> None:
    uploads = orjson.loads(stack.prefsift("upload", ratings, "--dataset", "rated", "--json").out)
    assert [(each["accepted"], each["pairs"]) for each in uploads] == [(40, 0)]
    asked = ("pairs", "build", "rated", "--policy", "all_pairs", "--min-gap", "3", "--json")
    seen = stack.prefsift(*asked, "--preview").json
    assert (seen["report"]["pairs"], seen["policy"]["min_gap"]) == (30, 3)
    assert orjson.loads(stack.prefsift("pairs", "list", "rated", "--json").out) == []
    made = stack.prefsift(*asked).json
    assert (made["state"], made["pairs"], made["report"]["pairs"]) == ("ready", 30, 30)
    assert stack.prefsift(*asked).json["id"] == made["id"]
    wanted = ("select", "rated", "--recipe", "random", "--budget", "20", "--json")
    subset = stack.prefsift(*wanted).json
    out = tmp_path / "out"
    assert stack.prefsift("export", subset["id"], "--out", out, "--json").json["rows"] == 20
    assert stack.prefsift("verify", out).code == 0
    rows = pq.read_table(out / "data").to_pylist()
    assert {row["margin"] for row in rows} <= {3, 5}
    refused = stack.prefsift("pairs", "remove", "rated", made["id"])
    assert (refused.code, "1 subsets were selected from its pairs" in refused.err) == (1, True)
    other = stack.prefsift("pairs", "build", "rated", "--policy", "curry", "--json").json
    assert stack.prefsift("pairs", "remove", "rated", other["id"]).code == 0
    listed = orjson.loads(stack.prefsift("pairs", "list", "rated", "--json").out)
    assert [build["id"] for build in listed] == [made["id"]]


def test_a_preview_is_readable(stack: Home, ratings: Path) -> None:
    stack.prefsift("upload", ratings, "--dataset", "read")
    done = stack.prefsift("pairs", "build", "read", "--preview")
    assert done.code == 0, done.err
    first, counted, *_ = done.out.splitlines()
    assert first.startswith("the prompts have ratings, so pairs are built by best_vs_worst")
    assert counted == "best_vs_worst would build 10 pairs of 10 of 10 prompts"
    assert "for example (margin 5)" in done.out


def test_curate_builds_pairs_where_no_line_decides_one_and_says_so(
    stack: Home, ratings: Path, tmp_path: Path
) -> None:
    asked = ("curate", ratings, "--recipe", "random", "--budget", "50%", "--json")
    done = stack.prefsift(*asked, "--out", tmp_path / "one")
    assert (done.json["pairs"], done.json["kept"]) == (10, 5)
    assert "no line decides a pair by itself: the prompts have ratings" in done.err
    named = stack.prefsift(*asked, "--pairs", "all_pairs", "--out", tmp_path / "two")
    assert (named.json["pairs"], named.json["kept"]) == (50, 25)
    manifest = orjson.loads((tmp_path / "two" / "manifest.json").read_bytes())
    assert [build["policy"]["id"] for build in manifest["pair_builds"]] == ["all_pairs"]


def test_what_is_wrong_with_a_policy_is_said(stack: Home, ratings: Path, tmp_path: Path) -> None:
    stack.prefsift("upload", ratings, "--dataset", "wrong")
    for words, said in [
        (("pairs", "build", "wrong", "--policy", "magic"), "there is no pair policy 'magic'"),
        (("pairs", "build", "wrong", "--min-gap", "1"), "name the policy"),
        (("pairs", "build", "wrong", "--policy", "curry", "--ties", "soft"), "ties: soft"),
        (("pairs", "build", "wrong", "--policy", "majority", "--aspect", "x=2"), "--aspect"),
        (("curate", ratings, "--pairs", "magic", "--out", tmp_path / "x"), "no pair policy"),
    ]:
        done = stack.prefsift(*words)
        assert (done.code, said in " ".join(done.err.split())) == (2, True), done.err


def test_policies_are_listed_and_shown_and_an_own_file_is_taken(
    stack: Home, ratings: Path, tmp_path: Path
) -> None:
    known = orjson.loads(stack.prefsift("policies", "--json").out)
    assert {"best_vs_worst", "ranked_pairs"} <= {policy["id"] for policy in known}
    own = tmp_path / "mine.yaml"
    own.write_text(stack.prefsift("policies", "show", "all_pairs").out.replace("0.0", "4"))
    stack.prefsift("upload", ratings, "--dataset", "own")
    made = stack.prefsift("pairs", "build", "own", "--policy", own, "--preview", "--json").json
    assert (made["policy"]["min_gap"], made["report"]["pairs"]) == (4, 10)


def test_pairs_are_found_by_meaning_and_by_words(stack: Home, tmp_path: Path) -> None:
    asked = ("How do I bake bread?", "Who won the chess game?", "Why do bees dance?")
    lines = [{"prompt": prompt, "chosen": "So.", "rejected": "No idea."} for prompt in asked]
    few = tmp_path / "few.jsonl"
    few.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    [upload] = orjson.loads(stack.prefsift("upload", few, "--dataset", "meant", "--json").out)
    url, key = ((stack.path / name).read_text().strip() for name in ("api.url", "api.key"))
    with client_of(url, key) as api:
        signals = {"signals": [{"kind": "embedding"}]}
        job = api.post(f"/api/v1/datasets/{upload['dataset_id']}/jobs", json=signals).json()
        while job["state"] in ("queued", "running"):
            time.sleep(0.2)
            job = api.get(f"/api/v1/jobs/{job['id']}").json()
    assert job["state"] == "succeeded", job
    wanted = ["query", "meant", "--json", "--where"]
    near = [*wanted, "SIMILAR('baking a loaf of bread') > -1", "--orderby", "similarity DESC"]
    found = orjson.loads(stack.prefsift(*near).out)
    assert [len(found), found[0]["prompt"][0]["content"]] == [3, asked[0]]
    both = "MATCH('bees -bread') AND SIMILAR('baking a loaf of bread') < 0.9"
    [pair] = orjson.loads(stack.prefsift(*wanted, both).out)
    assert pair["prompt"][0]["content"] == asked[2]


def test_chats_become_a_training_set_whose_pairs_cite_their_users(
    stack: Home, tmp_path: Path
) -> None:
    chats = tmp_path / "chats.jsonl"
    chats.write_bytes(b"".join(orjson.dumps(chat_about(topic)) + b"\n" for topic in TOPICS))
    out = tmp_path / "out"
    done = stack.prefsift("curate", chats, "--recipe", "wildfeedback", "--out", out, "--json")
    assert (done.code, done.json["pairs"], done.json["kept"]) == (0, 10, 10), done.err
    rows = pq.read_table(out / "data").to_pylist()
    cited = [orjson.loads(row["evidence"]) for row in rows]
    assert {each["conversation_id"] for each in cited} == set(TOPICS)
    assert {each["feedback"]["text"] for each in cited} == {"No, you ignored what I asked."}
    assert stack.prefsift("verify", out).code == 0


def chat_about(topic: str) -> dict[str, object]:
    said = (
        f"Write a haiku about {topic}.", f"A long essay on {topic}.",
        "No, you ignored what I asked.", f"{topic.title()}, soft and small.", "Perfect, thank you!",
    )  # fmt: skip
    turns = [
        {"role": "assistant" if turn % 2 else "user", "content": text}
        for turn, text in enumerate(said)
    ]
    return {"conversation_id": topic, "conversation": turns}
