"""Recommendations: exact sums, exact lists, limits that never shorten, fallbacks that say why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.retrieval import Recommender
from guided_store.store import Store
from guided_store.versions import set_alias


def known(recommender: Recommender) -> list[str]:
    return list(recommender.embedding.item_ids)


def brute_force(
    recommender: Recommender, history: list[str], weights: dict[str, float]
) -> tuple[list[str], np.ndarray]:
    """The whole ranking from the definition of the score."""
    embedding = recommender.embedding
    rows = np.array([embedding.item_index[item] for item in history], np.int32)
    query = recommender.encoder.encode([rows])[0].astype(np.float64)
    for name, factor in weights.items():
        query[embedding.attributes.index(name)] *= factor
    scores = embedding.vectors.astype(np.float64) @ query + embedding.bias
    scores[rows] = -np.inf
    order = np.argsort(-scores, kind="stable")
    return [embedding.item_ids[row] for row in order], scores[order]


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_terms_add_up_and_the_list_is_the_exact_one(recommender: Recommender, data: st.DataObject) -> None:
    history = data.draw(st.lists(st.sampled_from(known(recommender)), min_size=1, max_size=25))
    names = st.sampled_from(recommender.embedding.attributes)
    weights = data.draw(st.dictionaries(names, st.floats(-3, 3), max_size=3))
    found = recommender.recommend(items=history, k=15, weights=weights)
    expected, scores = brute_force(recommender, history, weights)
    assert found.source == "model"
    assert len(found) == 15
    np.testing.assert_allclose([item.score for item in found], scores[:15], atol=1e-4)
    assert [item.item_id for item in found] == expected[:15]
    for item in found:
        assert abs(sum(t.contribution for t in item.terms) + item.latent + item.bias - item.score) < 1e-4
        assert len(item.terms) == 24
    assert not {item.item_id for item in found} & set(history)


@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_limits_hold_and_never_shorten_the_list(recommender: Recommender, data: st.DataObject) -> None:
    history = data.draw(st.lists(st.sampled_from(known(recommender)), min_size=1, max_size=5))
    highest, lowest = data.draw(st.integers(0, 10)), data.draw(st.integers(0, 10))
    raw = recommender.embedding.raw
    names = recommender.embedding.attributes
    within = (raw[:, names.index("violence")] <= highest) & (raw[:, names.index("humor")] >= lowest)
    for item in set(history):
        within[recommender.embedding.item_index[item]] = False
    found = recommender.recommend(
        items=history, k=30, maximum={"violence": highest}, minimum={"humor": lowest}
    )
    assert len(found) == min(30, int(within.sum()))
    for item in found:
        values = {term.name: term.raw for term in item.terms}
        assert values["violence"] <= highest
        assert values["humor"] >= lowest
    if not len(found):
        assert "no item is within the limits" in found.reason


def test_weights_move_the_list_their_way(recommender: Recommender) -> None:
    user = recommender.sequences.user_ids[0]
    names = recommender.embedding.attributes
    query = recommender.profile(user=user)
    wanted = max(query.tastes, key=lambda taste: abs(taste.query_weight)).name
    column = names.index(wanted)
    sign = np.sign(next(taste.query_weight for taste in query.tastes if taste.name == wanted))

    def mean(weight: float) -> float:
        found = recommender.recommend(user=user, k=20, weights={wanted: weight})
        rows = [recommender.embedding.item_index[item.item_id] for item in found]
        return float(recommender.embedding.vectors[rows, column].mean()) * sign

    assert mean(-20.0) < mean(1.0) < mean(20.0)


def test_repeats_allowed_for_shops(recommender: Recommender) -> None:
    history = known(recommender)[:150]
    with_repeats = recommender.recommend(items=history, k=60, repeats="allow")
    assert {item.item_id for item in with_repeats} & set(history)
    assert not {i.item_id for i in recommender.recommend(items=history, k=60)} & set(history)


def test_k_beyond_the_catalogue_gives_what_there_is(recommender: Recommender) -> None:
    history = known(recommender)[:3]
    found = recommender.recommend(items=history, k=10_000)
    assert len(found) == len(known(recommender)) - 3


def test_unknown_items_are_skipped_and_named(recommender: Recommender) -> None:
    history = known(recommender)[:2]
    with_unknown = recommender.recommend(items=[history[0], "nope", history[1], "nope"], k=5)
    assert with_unknown.skipped == ("nope",)
    assert with_unknown.items == recommender.recommend(items=history, k=5).items


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"user": "stranger"}, "user 'stranger' is unknown"),
        ({"items": []}, "list of items is empty"),
        ({"items": ["nope"]}, "knows none of the history's 1 items"),
    ],
)
def test_nothing_to_read_gives_the_popular_ones_and_says_so(
    recommender: Recommender, request_: dict, why: str
) -> None:
    found = recommender.recommend(**request_, k=7, maximum={"violence": 4})
    assert found.source == "recent popularity"
    assert why in found.reason
    assert "since" in found.reason
    assert len(found) == 7
    raw = recommender.embedding.raw[:, recommender.embedding.attributes.index("violence")]
    assert all(raw[recommender.embedding.item_index[item.item_id]] <= 4 for item in found)
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)


def test_explain_agrees_with_the_list(recommender: Recommender) -> None:
    user = recommender.sequences.user_ids[1]
    for place in (0, 4, 9):
        listed = recommender.recommend(user=user, k=10)[place]
        explained = recommender.explain(listed.item_id, user=user)
        assert explained.recommendation == listed
        assert not explained.seen
        assert 0 < explained.attribute_share < 1
    seen = recommender.sequences.history(user)[0]
    assert recommender.explain(seen, user=user).seen
    with pytest.raises(UsageError, match="'nope' is unknown to refined/small"):
        recommender.explain("nope", user=user)
    with pytest.raises(UsageError, match=r"nothing can be explained: user 'x' is unknown"):
        recommender.explain(seen, user="x")


def test_a_film_nobody_saw_is_named_as_such(recommender: Recommender) -> None:
    unseen = next(item for item in recommender.titles if item not in recommender.embedding.item_index)
    with pytest.raises(UsageError, match="in the catalogue but not in refined/small"):
        recommender.similar(unseen)


def test_profile_is_the_mean_of_the_history(recommender: Recommender) -> None:
    history = known(recommender)[:4]
    profile = recommender.profile(items=history)
    taste = next(taste for taste in profile.tastes if taste.name == "humor")
    column = recommender.embedding.attributes.index("humor")
    assert taste.history_mean == pytest.approx(recommender.embedding.raw[:4, column].mean())
    assert taste.catalogue_mean == pytest.approx(recommender.embedding.raw[:, column].mean(), rel=1e-5)
    assert (taste.lift > 0) == (taste.history_mean > taste.catalogue_mean)


def test_similar_is_cosine_and_adds_up(recommender: Recommender) -> None:
    item = known(recommender)[5]
    found = recommender.similar(item, k=8)
    vectors = recommender.embedding.vectors
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[5]
    cosine[5] = -2
    assert [recommender.embedding.item_index[r.item_id] for r in found] == list(np.argsort(-cosine)[:8])
    for near in found:
        assert near.score == pytest.approx(sum(t.contribution for t in near.terms) + near.latent, abs=1e-5)
        back = recommender.similar(near.item_id, k=10_000)
        assert next(r.score for r in back if r.item_id == item) == pytest.approx(near.score, abs=1e-5)


def test_a_base_version_recommends_without_attributes(trained: Store) -> None:
    base = Recommender.load(trained, "base/small")
    found = base.recommend(user=base.sequences.user_ids[0], k=5)
    assert all(item.terms == () for item in found)
    assert all(item.latent + item.bias == pytest.approx(item.score, abs=1e-4) for item in found)
    with pytest.raises(UsageError, match="base/small has no attributes"):
        base.recommend(user="x", weights={"humor": 2})
    with pytest.raises(UsageError, match="use a refined version"):
        base.profile(user=base.sequences.user_ids[0])


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"user": "1", "k": 0}, "k must be at least 1"),
        ({}, "either a user or a list"),
        ({"user": "1", "items": ["1"]}, "either a user or a list"),
        ({"user": "1", "weights": {"humour": 1}}, "did you mean 'humor'"),
        ({"user": "1", "weights": {"humor": float("nan")}}, "finite"),
        ({"user": "1", "weights": {"humor": 1e39}}, r"the weight of humor must be .* 1,000,000, got 1e\+39"),
        ({"user": "1", "minimum": {"humor": -1e39}}, r"the minimum of humor must be .* got -1e\+39"),
        ({"user": "1", "maximum": {"zzz": 1}}, "no attribute 'zzz'; there are"),
        ({"user": "1", "repeats": "some"}, "repeats must be"),
    ],
)
def test_wrong_requests(recommender: Recommender, request_: dict, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        recommender.recommend(**request_)


def test_what_cannot_be_loaded(trained: Store) -> None:
    with pytest.raises(UsageError, match="refined/start has no encoder"):
        Recommender.load(trained, "refined/start")
    with pytest.raises(UsageError, match="has no index 'ivf'"):
        Recommender.load(trained, "refined/small", index="ivf")


def test_an_alias_stands_for_its_version(trained: Store) -> None:
    set_alias(trained, "live", "refined/small")
    assert str(Recommender.load(trained.root, "live").embedding.ref) == "refined/small"
