"""The files of the public data, and what its README counts in each."""

from typing import NamedTuple


class Published(NamedTuple):
    """What the data's README counts."""

    path: str
    layout: str
    rows: int
    comparisons: int = 0
    ratings: int = 0
    rankings: int = 0
    feedback: int = 0
    records: int | None = None  # where a row holds several


SPARSE = "sparse_feedback/feedback"
SETS = [
    Published("hh_harmless/test.jsonl.gz", "hh", 2312, 2312),
    Published("qa_feedback/dev_feedback.json.gz", "qa_feedback", 500, 3000),
    Published("llmbar/natural_neighbor.jsonl.gz", "native", 234, 30369, 3274),
    Published("oasst/en_100_tree.jsonl.gz", "oasst", 100, 0, 0, 212, 0, records=254),
    Published("hhh/hhh_alignment_eval.json.gz", "hhh", 221, 221),
    Published("rm_bench/chat_filtered.json.gz", "rm_bench", 129, 9 * 129),
    Published("rm_bench/safety-refuse_filtered.json.gz", "rm_bench", 284, 9 * 284),
    Published(f"{SPARSE}_rankings_davincivsratings_for_llm_eval.csv", "sparse_feedback", 46, 46),
    Published(f"{SPARSE}_rankings_sample_generation.csv", "sparse_feedback", 118, 118),
    Published(f"{SPARSE}_ratings_davinci_for_llm_eval.csv", "sparse_feedback", 53, 0, 53),
    Published(f"{SPARSE}_ratings_ratings_for_llm_eval.csv", "sparse_feedback", 83, 0, 83),
    Published(f"{SPARSE}_ratings_sample_generation.csv", "sparse_feedback", 99, 0, 99),
    Published("ab_redial/annotated_dialogues.csv.gz", "ab_redial", 640, 0, 5 * 636, 0, 4),
    Published("ab_redial/annotated_turns.csv.gz", "ab_redial", 640, 0, 9 * 640 - 1),
    Published("tifa/human_annotations_with_scores.json.gz", "tifa", 800, 0, 1600),
    Published("tia2/human_labels_comprehensive.json.gz", "tia2", 5000, 0, 3 * 5000 - 133),
    Published("tia2/human_labels_counting.json.gz", "tia2", 7500, 0, 3 * 7500),
    Published("tia2/alignment_scores_comprehensive.json.gz", "tia2", 84),
    Published("tia2/alignment_scores_counting.json.gz", "tia2", 146),
    Published("imagereward/test_first300.json.gz", "imagereward", 300, 0, 0, 300),
]
