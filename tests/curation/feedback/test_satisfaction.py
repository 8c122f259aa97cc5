import numpy as np
import pytest
from scipy.special import expit

from curation.feedback.rubric import rubrics
from curation.models.satisfaction import log_odds, recalibrated
from curation.pairing import POLICIES, POLICY
from curation.pairing.wildfeedback import WildFeedback
from curation.signals.embedding import Embedding
from tests.curation.feedback.talking import talk

TALK = talk("Write X", "A1", "No, you ignored the table", "A2", "Perfect, thanks")


def test_the_worked_conversation_gives_its_pair_with_the_words_that_decide_it() -> None:
    found = WildFeedback().read(lambda: [TALK])
    assert [(one.correction.rejected, one.correction.chosen) for one in found.pairs] == [
        ("A1", "A2")
    ]
    said, pleased = found.pairs[0].feedback, found.pairs[0].satisfied
    assert (said.turn, said.text) == (2, "No, you ignored the table")
    assert TALK.messages[2]["content"][said.start : said.end] == said.text
    assert "ignored" in said.classes
    assert pleased is not None
    assert (pleased.turn, pleased.text) == (4, "Perfect, thanks")
    assert 0.5 < found.pairs[0].soft_label < 1
    assert found.measured["chosen_later"] == 1


def test_sentences_that_no_pattern_knows_are_read_by_their_meaning() -> None:
    texts = [
        "You must be kidding, the capital is somewhere else entirely.",
        "Brilliant work, my kids adored it.",
        "Which bus goes to the harbour?",
    ]
    p = expit(log_odds(texts, Embedding()))
    assert p[0, 1] > 0.5 > p[0, 0]
    assert p[1, 0] > 0.5 > p[1, 1]
    assert p[2].max() < 0.5


def test_every_example_of_a_class_is_read_as_its_side() -> None:
    texts = [text for rubric in rubrics() for text in rubric.examples]
    sides = np.array([rubric.side for rubric in rubrics() for _ in rubric.examples])
    p = expit(log_odds(texts, Embedding()))
    assert ((p[:, 0] > 0.5) == (sides == "sat")).mean() > 0.95
    assert ((p[:, 1] > 0.5) == (sides == "dsat")).mean() > 0.95


def test_labels_of_the_data_calibrate_where_there_are_enough() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 4, 400)
    labels = (rng.random(400) < expit(scores / 4)).astype(float)
    p = recalibrated(scores, labels, range(400), 50)
    assert p is not None
    assert np.abs(p - expit(scores / 4)).max() < 0.15
    assert recalibrated(scores[:40], labels[:40], range(40), 50) is None
    assert recalibrated(scores, 1 - labels, range(400), 50) is None
    assert recalibrated(scores, np.full(400, np.nan), range(400), 50) is None


def test_own_labels_never_calibrate_their_own_conversation() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 4, 200)
    labels = (rng.random(200) < expit(scores / 2)).astype(float)
    groups = [row // 20 for row in range(200)]
    changed = labels.copy()
    changed[:20] = 1 - changed[:20]
    before, after = (recalibrated(scores, each, groups, 50) for each in (labels, changed))
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before[:20], after[:20])
    assert not np.array_equal(before[20:], after[20:])


def test_no_conversation_gives_no_pair() -> None:
    assert WildFeedback().read(list).pairs == []
    assert WildFeedback().read(lambda: [talk("a", "b")]).pairs == []


@pytest.mark.parametrize(
    "field", [{"min_gap": 1}, {"cap_per_prompt": 3}, {"cross_model_only": True}]
)
def test_parameters_that_would_not_be_used_are_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cap by user and cluster"):
        POLICY.validate_python({"kind": "wildfeedback", **field})
    assert isinstance(POLICIES["wildfeedback_revised"], WildFeedback)
