import numpy as np
import pytest

from curation.items import Pairs, Prompts, View
from curation.models import language_model
from curation.signals.knn_novelty import KnnNovelty
from curation.signals.prompt_quality import PromptQuality, rules
from curation.signals.style import Style


def on_a_line(points: list[float]) -> Prompts:
    ids = [f"p{i}" for i in range(len(points))]
    return Prompts(ids, ids, {View.prompt: np.array(points, np.float32)[:, None]})


def novelty(prompts: Prompts, k: int) -> np.ndarray:
    signal = KnnNovelty(k=k, device="cpu")
    return signal.score(prompts, signal.fit(prompts)).columns["log_distance"].values


def test_the_worked_number_of_novelty() -> None:
    found = novelty(on_a_line([0, 0.1, 1, 3]), k=1)
    np.testing.assert_allclose(found, [-2.303, -2.303, -0.105, 0.693], atol=1e-3)


def test_duplicates_have_the_least_novelty_and_it_is_finite() -> None:
    np.testing.assert_allclose(novelty(on_a_line([1, 1, 5]), k=1)[:2], np.log(1e-6), rtol=1e-3)


def test_with_fewer_others_than_k_the_farthest_counts() -> None:
    np.testing.assert_allclose(novelty(on_a_line([0, 1, 3]), k=9), np.log([3, 2, 3]), rtol=1e-4)


def test_a_single_prompt_has_no_neighbour() -> None:
    prompts, signal = on_a_line([1]), KnnNovelty(device="cpu")
    column = signal.score(prompts, signal.fit(prompts)).columns["log_distance"]
    assert column.status.tolist() == ["no_neighbor"]


def test_a_new_prompt_is_compared_with_all_that_the_fit_saw() -> None:
    signal = KnnNovelty(k=1, device="cpu")
    fit = signal.fit(on_a_line([0, 2]))
    new = Prompts(["new"], ["new"], {View.prompt: np.array([[0.5]], np.float32)})
    found = signal.score(new, fit).columns["log_distance"].values
    np.testing.assert_allclose(found, np.log(0.5), rtol=1e-4)


def test_without_a_language_model_only_the_rules_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_model, "WHEEL", "no_such_wheel_is_installed")
    language_model.load.cache_clear()
    columns = PromptQuality().score(Prompts(["a", "b"], ["What is rain?", " "])).columns
    language_model.load.cache_clear()
    assert columns["quality"].status.tolist() == ["model_missing", "empty_text"]
    assert columns["log_likelihood"].status.tolist() == ["model_missing", "empty_text"]
    assert columns["rules"].status.tolist() == ["ok", "empty_text"]
    assert columns["rules"].values[0] == 1


def test_gibberish_is_of_lower_quality() -> None:
    texts = ["What is the capital of France?", "zzzzzzzz qqqq 1234 ####", "!!!!!!!!!!"]
    quality = PromptQuality().score(Prompts(["a", "b", "c"], texts)).columns["quality"].values
    assert quality[0] > quality[1] + 0.2 > quality[2]


@pytest.mark.parametrize(
    ("text", "passed"),
    [("What is rain?", 7), ("WHAT IS RAIN?", 6), ("rain", 6), ("aaaaaaaaa", 5), ("?", 5)],
)
def test_the_rules_of_small_prompts(text: str, passed: int) -> None:
    assert rules(text) == pytest.approx(passed / 7)


def test_the_style_of_a_known_pair() -> None:
    pair = Pairs(["a"], ["p"], ["q"], ["- one\n- two\n- three"], ["- one"])
    found = {name: c.values[0] for name, c in Style().score(pair).columns.items()}
    assert found["lists_delta"] == pytest.approx((3 - 1) / (3 + 1))
    assert found["words_delta"] == pytest.approx((3 - 1) / (3 + 1))
    assert found["length_log_ratio"] == pytest.approx(np.log(20 / 6))
    assert found["refusals_delta"] == 0
