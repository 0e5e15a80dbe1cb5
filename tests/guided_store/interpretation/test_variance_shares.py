"""Shares are those of the pairwise definition, add to one, and follow a planted cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from guided_store.interpretation._subject import Reading, Subject
from guided_store.interpretation._variance import variance_shares


def by_hand(subject: Subject, reading: Reading, best: int | None) -> dict[str, float]:
    """Pair by pair, with numpy's own covariance."""
    width = len(subject.attributes)
    above = np.zeros(width + 2)
    below = 0.0
    for case in range(len(reading)):
        allowed = np.flatnonzero(reading.allowed(np.array([case]), len(subject.rows))[0])
        query = reading.queries[case].astype(np.float64)
        products = subject.vectors[allowed] * query
        parts = np.column_stack(
            [products[:, :width], products[:, width:].sum(axis=1), subject.bias[allowed]]
        ).astype(np.float64)
        score = parts.sum(axis=1)
        if best is not None:
            top = np.argsort(-score)[:best]
            parts, score = parts[top], score[top]
        above += [np.cov(part, score, bias=True)[0, 1] for part in parts.T]
        below += score.var()
    shares = above / below
    return {
        "attributes": shares[:width].sum(),
        "latent": shares[width],
        "bias": shares[width + 1],
        **dict(zip(subject.attributes, shares, strict=False)),
    }


@pytest.mark.parametrize("best", [None, 20])
def test_shares_are_those_of_all_pairs(subject: Subject, reading: Reading, best: int | None) -> None:
    found = variance_shares(subject, reading, best)
    expected = by_hand(subject, reading, best)
    for name in ("attributes", "latent", "bias"):
        assert found.parts[name].value == pytest.approx(expected[name], abs=1e-5)
        assert found.parts[name].low <= found.parts[name].value <= found.parts[name].high
    for name in subject.attributes:
        assert found.attributes[name].value == pytest.approx(expected[name], abs=1e-5)
    assert sum(share.value for share in found.parts.values()) == pytest.approx(1)
    assert found.items == 20 if best else found.items < len(subject.rows)


def test_a_part_that_does_not_vary_has_no_share(subject: Subject, reading: Reading) -> None:
    queries = reading.queries.copy()
    queries[:, len(subject.attributes) :] = 0  # nothing but attributes is asked for
    flat = replace(subject.embedding, bias=np.full(len(subject.embedding.item_ids), 3.0, np.float32))
    found = variance_shares(replace(subject, embedding=flat), replace(reading, queries=queries))
    assert found.parts["attributes"].value == pytest.approx(1)
    assert found.parts["latent"].value == pytest.approx(0)
    assert found.alone["bias"].value == pytest.approx(0)
    assert found.quartiles == pytest.approx((1, 1, 1))


def test_a_part_that_pulls_against_the_sum_is_negative(subject: Subject, reading: Reading) -> None:
    """bias = -2 (the score of what one user asks): it outdoes the rest, which then pulls against the sum."""
    one = replace(
        reading,
        numbers=reading.numbers[:1],
        users=reading.users[:1],
        queries=reading.queries[:1],
        hidden=(np.empty(0, np.int64), np.empty(0, np.int64)),
    )
    against = (-2 * subject.embedding.vectors @ reading.queries[0]).astype(np.float32)
    found = variance_shares(replace(subject, embedding=replace(subject.embedding, bias=against)), one)
    assert found.parts["bias"].value == pytest.approx(2, abs=1e-4)
    assert found.parts["attributes"].value + found.parts["latent"].value == pytest.approx(-1, abs=1e-4)
