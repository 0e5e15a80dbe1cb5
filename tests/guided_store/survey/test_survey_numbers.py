"""Rates and sign tests against scipy, sentences against what they should say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guided_store.errors import UsageError
from guided_store.evaluation import sign_test
from guided_store.survey import wilson
from guided_store.survey._words import sentence

counts = st.integers(0, 300)


@settings(deadline=None)
@given(counts, counts.filter(bool), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_is_that_of_scipy(successes: int, failures: int, level: float) -> None:
    trials = successes + failures
    found = wilson(successes, trials, level)
    known = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert found == pytest.approx((known.low, known.high), abs=1e-9)
    assert 0 <= found[0] <= successes / trials <= found[1] <= 1


@settings(deadline=None)
@given(counts, counts)
def test_the_sign_test_is_that_of_scipy(a: int, b: int) -> None:
    known = stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert sign_test(a, b) == pytest.approx(known, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "level"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]
)
def test_an_interval_of_nothing_is_refused(successes: int, trials: int, level: float) -> None:
    with pytest.raises(UsageError, match="a trial or more"):
        wilson(successes, trials, level)


def test_a_sentence_has_one_form_and_keeps_titles_apart() -> None:
    assert sentence([], [], []) == "The history as a whole."
    assert sentence([], [], ["Sting, The"]) == "Because of “Sting, The”."
    assert sentence(["humor", "cult_following", "pace"], ["darkness"], ["Heat", "Se7en"], "film") == (
        "More humor, cult following and pace and less darkness than the average film; "
        "because of “Heat” and “Se7en”."
    )
    assert sentence([], ["action"], []) == "Less action than the average item."
    assert len(sentence([], [], ["word " * 100])) < 80


def test_a_title_with_an_underscore_stays_as_it_is() -> None:
    assert sentence(["a_b"], [], ["x_y"]) == "More a b than the average item; because of “x_y”."
