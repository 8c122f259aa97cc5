"""What is known of the real sets (their README): the figures that a report must show."""

from typing import Any

import pytest

Figures = dict[str, Any]


def about(value: float) -> Any:
    return pytest.approx(value, abs=0.0051)


def figures(report: Figures) -> Figures:
    """The report's numbers under short names; `alpha <aspect>` is (interval, ordinal)."""
    found: Figures = {
        "records": report["records"], "pairs": report["pairs"], "verified": report["verified"],
        "rejected": len(report["rejected"]), "judgments": report["judgments"],
        "decided": report["labels"]["a"] + report["labels"]["b"], "ties": report["labels"]["tie"],
        "triples": report["cycles"]["compared"], "cycles": report["cycles"]["cycles"],
        "inconsistent": report["cycles"]["inconsistent"],
    }  # fmt: skip
    if report["longer"]:
        found["longer"] = report["longer"]["of_labels"]
        found["longer verified"] = report["longer"]["of_verified"]
    for each in report["ratings"]:
        aspect = each["aspect"] or "overall"
        found[f"alpha {aspect}"] = each["alpha_interval"], each["alpha_ordinal"]
        found[f"kappa {aspect}"] = each["fleiss_equal"]
        found[f"things {aspect}"] = each["things"]
        found[f"ratings {aspect}"] = each["ratings"]
        found[f"equal {aspect}"] = each["unanimous"]
        found[f"apart {aspect}"] = each["apart"]
    for each in report["both_orders"]:
        found[f"consistent {each['judge']}"] = each["consistent"]
    for each in report["ratings_against_comparisons"]:
        key = f"{each['rater']} against {each['judge']}"
        found[key] = each["votes"], each["different"]
    return found


def alpha(interval: float, ordinal: float) -> Any:
    return pytest.approx((interval, ordinal), abs=0.00051)


# File, or files read together -> figures.
ORACLES: dict[str, Figures] = {
    "ab_redial/annotated_dialogues.csv.gz": {
        "records": 640, "pairs": 0, "things dialogue-overall": 195,
        "ratings dialogue-overall": 636,
        "alpha dialogue-overall": alpha(0.324, 0.310), "alpha understanding": alpha(0.296, 0.292),
        "alpha task-completion": alpha(0.332, 0.306), "alpha efficiency": alpha(0.196, 0.196),
        "alpha interest-arousal": alpha(0.230, 0.268),
    },
    "ab_redial/annotated_turns.csv.gz": {"records": 640, "pairs": 0, "things overall": 585},
    "hh_harmless/test.jsonl.gz": {
        "records": 2312, "pairs": 2312, "decided": 2312, "longer": about(0.44), "rejected": 0,
    },
    "hhh/hhh_alignment_eval.json.gz": {"pairs": 221, "verified": 221, "longer": about(0.63)},
    "imagereward/test_first300.json.gz": {"records": 300, "rejected": 0},
    "llmbar/natural_neighbor.jsonl.gz": {
        "pairs": 234, "verified": 234, "longer verified": about(0.31),
        "consistent GPT-4/Vanilla": about(0.940), "consistent ChatGPT/Vanilla": about(0.714),
        "consistent Falcon/Vanilla": about(0.466),
        "GPT-4/Rating / overall against GPT-4/Vanilla": (466, about(0.208)),
        "ChatGPT/Rating / overall against ChatGPT/Vanilla": (468, about(0.583)),
    },
    "oasst/en_100_tree.jsonl.gz": {"records": 254, "rejected": 0},
    "oasst/insitu_labels.json": {"records": 0, "pairs": 0, "rejected": 1},
    "qa_feedback/dev_feedback.json.gz": {
        "records": 500, "pairs": 3000, "decided": 2616, "ties": 384, "triples": 2000, "cycles": 0,
        "inconsistent": 29,
    },
    "rm_bench/chat_filtered.json.gz": {"records": 129, "pairs": 9 * 129, "verified": 9 * 129},
    "rm_bench/safety-refuse_filtered.json.gz": {"records": 284, "verified": 9 * 284},
    "sparse_feedback/feedback_rankings_davincivsratings_for_llm_eval.csv": {"pairs": 46},
    "sparse_feedback/feedback_rankings_sample_generation.csv": {"pairs": 118},
    "sparse_feedback/feedback_ratings_davinci_for_llm_eval.csv": {"ratings overall": 53},
    "sparse_feedback/feedback_ratings_ratings_for_llm_eval.csv": {"ratings overall": 83},
    "sparse_feedback/feedback_ratings_sample_generation.csv": {"records": 99, "pairs": 0},
    "tia2/alignment_scores_comprehensive.json.gz": {"pairs": 0, "rejected": 0},
    "tia2/alignment_scores_counting.json.gz": {"pairs": 0, "rejected": 0},
    "tia2/human_labels_comprehensive.json.gz": {
        "things overall": 5000, "kappa overall": about(0.63),
    },
    "tia2/human_labels_counting.json.gz": {"things overall": 7500, "kappa overall": about(0.68)},
    "tifa/human_annotations_with_scores.json.gz": {
        "things overall": 800, "ratings overall": 1600, "alpha overall": alpha(0.680, 0.719),
        "equal overall": about(0.55), "apart overall": about(0.08),
    },
}  # fmt: skip
