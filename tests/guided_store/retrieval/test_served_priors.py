"""An encoder that was trained with priors of users: every way of asking for a user reads that user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.encoders import EncoderConfig, TrainingConfig, load_scorer, train
from guided_store.evaluation import evaluate, evaluate_recs
from guided_store.retrieval import Recommender, recommend_all, write_recommendations
from guided_store.retrieval._indexes import _recall_queries
from guided_store.retrieval._preferences import Preferences
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding, write_version


@pytest.fixture(scope="module")
def served(trained: Store) -> Recommender:
    """Trained with users/people, which knows every second user."""
    sequences = load_sequences(trained)
    split = leave_one_out(sequences)
    source = load_embedding(trained, "guided/films").info.recipe
    recipe = {key: source[key] for key in ("attributes", "mean", "deviation")}
    recipe |= {"guided": "guided/films", "split_kind": split.kind, "split_digest": split.digest}
    ids = sequences.user_ids[::2]
    values = np.random.default_rng(0).normal(0, 2, (len(ids), 24)).astype(np.float32)
    write_version(trained, Ref("users", "people"), ids, values, recipe=recipe)
    shape = EncoderConfig(dim=32, blocks=1, max_length=10, user=True)
    settings = TrainingConfig(epochs=3, batch_size=16, learning_rate=1e-2)
    train(
        trained,
        "served",
        split=split,
        items="refined/start",
        encoder=shape,
        training=settings,
        users="users/people",
    )
    return Recommender.load(trained, "refined/served")


def test_one_user_is_asked_for_with_the_users_own_prior(served: Recommender) -> None:
    assert served.priors is not None
    for place, known in ((4, True), (5, False)):
        user = served.sequences.user_ids[place]
        history = served.sequences.history(user)
        rows = np.array([served.embedding.item_index[item] for item in history], np.int32)
        prior = served.priors.of(user)
        assert (prior is not None) == known
        query = served.encoder.encode([rows], None if prior is None else prior[None])[0]
        vectors, bias = served.embedding.vectors, served.embedding.bias
        assert bias is not None
        found = served.recommend(user, k=10)
        given = served.recommend(items=history, k=10)
        for item in found:
            row = served.embedding.item_index[item.item_id]
            assert item.score == pytest.approx(float(vectors[row] @ query + bias[row]), abs=1e-4)
        assert ([item.score for item in found] == [item.score for item in given]) != known
        (first, *_) = found
        explained = served.explain(first.item_id, user)
        assert explained.recommendation.score == pytest.approx(first.score, abs=1e-5)
        assert explained.recommendation.rank == 1


def test_a_profile_starts_from_the_prior_it_was_trained_with(served: Recommender) -> None:
    known, unknown = served.sequences.user_ids[4:6]
    profile = served.profile(known, movers=1)
    assert profile.vector is not None
    assert profile.vector.prior == "users/people"
    assert profile == served.profile(known, movers=1, prior="users/people")
    assert any(attribute.prior for attribute in profile.vector.attributes)
    for vector in (served.profile(unknown, movers=1).vector, served.profile(items=["1"], movers=1).vector):
        assert vector is not None
        assert vector.prior == ""
        assert not any(attribute.prior for attribute in vector.attributes)


def test_lists_in_bulk_are_the_single_ones(served: Recommender) -> None:
    table = recommend_all(served, k=5)
    for user in served.sequences.user_ids[3:7]:
        chosen = table.filter(np.array(table.column("user_id").to_pylist(), object) == user)
        assert chosen.column("item_id").to_pylist() == [item.item_id for item in served.recommend(user, k=5)]


def test_lists_of_a_split_are_judged_as_the_version_itself(
    served: Recommender, trained: Store, tmp_path: Path
) -> None:
    split = leave_one_out(served.sequences)
    scorer, warnings = load_scorer(trained, "refined/served", split)
    assert warnings == []
    path = tmp_path / "lists.parquet"
    write_recommendations(served, path, k=10, split=split)
    rows = evaluate(split, [scorer], baselines=False, lists=[evaluate_recs(path, split)]).rows
    for metric in ("ndcg@10", "recall@10"):
        own = rows["refined/served"].metrics[metric]
        assert rows["lists"].metrics[metric] == pytest.approx(own, abs=1e-9)
    scorer._priors = None
    assert evaluate(split, [scorer], baselines=False).rows["refined/served"].metrics["mrr"] != pytest.approx(
        rows["refined/served"].metrics["mrr"], abs=1e-9
    )


def test_an_index_is_measured_with_the_queries_that_are_served(served: Recommender, trained: Store) -> None:
    queries, _, _ = _recall_queries(trained, served.embedding)
    events = served.sequences.restrict(served.embedding.item_ids)
    histories = [events.row(user) for user in range(events.n_users)]
    nothing = Preferences.checked(served.embedding)
    own = served.queries(histories, nothing, events.user_ids)
    anonymous = served.queries(histories, nothing, [None] * len(histories))
    for wanted, all_of_them in ((own, True), (anonymous, False)):
        distance = np.abs(queries[:, None] - wanted[None]).max(axis=2).min(axis=1)
        assert bool((distance < 1e-4).all()) == all_of_them
