"""Stability of explanations between versions, against what the item alone brings about."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.interpretation import stability
from guided_store.interpretation._stability import _strangers, rank_correlation, top_overlap
from guided_store.interpretation._subject import load_subject, read_cases, sample_cases
from guided_store.store import Store


def test_a_version_agrees_with_itself(store: Store, cases: Cases) -> None:
    found = stability(store, ["refined/s1", "refined/s1"], cases, sample=50)
    assert found.correlation.value == pytest.approx(1)
    assert found.overlap.value == pytest.approx(1)
    assert found.correlation_chance.value < 1
    assert found.overlap_gain.value == pytest.approx(1 - found.overlap_chance.value)
    assert found.items == 10
    assert found.blind == pytest.approx(3 / 24)


def test_two_seeds_are_compared_on_what_either_recommends(store: Store, cases: Cases) -> None:
    found = stability(store, ["refined/s1", "refined/s2", "refined/full"], cases, sample=50)
    assert found.users == 50
    assert 10 <= found.items <= 20
    assert -1 <= found.correlation.low <= found.correlation.value <= found.correlation.high < 1
    assert found.correlation_gain.value == pytest.approx(
        found.correlation.value - found.correlation_chance.value
    )


def test_the_figures_are_those_of_every_pair(store: Store, cases: Cases) -> None:
    found = stability(store, ["refined/s1", "refined/s2"], cases, sample=8, k=4)
    subjects = [load_subject(store, f"refined/s{seed}", cases) for seed in (1, 2)]
    numbers = sample_cases(cases, 8, 0)
    readings = [read_cases(subject, cases, numbers) for subject in subjects]
    means = []
    for case in range(len(numbers)):
        allowed = readings[0].allowed(np.array([case]), len(subjects[0].rows))[0]
        places = set()
        for subject, reading in zip(subjects, readings, strict=True):
            scores = np.where(allowed, subject.scores(reading.queries[[case]])[0], -np.inf)
            places |= set(np.argsort(-scores, kind="stable")[:4].tolist())
        correlations = []
        for place in places:
            one, two = (
                subject.terms(reading.queries[[case]], np.array([[place]]))[0, 0]
                for subject, reading in zip(subjects, readings, strict=True)
            )
            correlations.append(stats.spearmanr(one, two).statistic)
        means.append(np.mean(correlations))
    assert found.correlation.value == pytest.approx(np.mean(means))


def test_versions_with_other_attributes_are_refused(store: Store, cases: Cases) -> None:
    with pytest.raises(UsageError, match="refined/s1 and refined/other have other attributes"):
        stability(store, ["refined/s1", "refined/other"], cases, sample=20)
    with pytest.raises(UsageError, match="two versions"):
        stability(store, ["refined/s1"], cases, sample=20)


def test_measures_of_two_rows() -> None:
    a = np.array([[5.0, -4.0, 3.0, 0.1], [1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]])
    b = np.array([[0.1, -4.0, 3.0, 5.0], [40.0, 30.0, 20.0, 10.0], [1.0, 2.0, 3.0, 4.0]])
    np.testing.assert_allclose(top_overlap(a, b)[:2], [2 / 3, 2 / 3])
    found = rank_correlation(a, b)
    assert found[0] == pytest.approx(stats.spearmanr(a[0], b[0]).statistic)
    assert found[1] == pytest.approx(-1)
    assert found[2] == 0


def test_a_stranger_is_somebody_else() -> None:
    users = np.array([4, 4, 7, 9, 9, 9, 11])
    for seed in range(20):
        assert (users[_strangers(users, seed)] != users).all()
