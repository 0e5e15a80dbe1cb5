"""The user's attribute vector taken apart: the parts add up to what the encoder reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.encoders import EncoderConfig, TrainingConfig, load_priors, train
from guided_store.errors import UsageError
from guided_store.retrieval import Recommender
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding, write_version


@pytest.fixture(scope="module")
def conditioned(trained: Store) -> Recommender:
    """A version whose encoder reads the user's vector, with memories and priors' weights that differ."""
    shape = EncoderConfig(dim=32, blocks=1, max_length=6, user=True, fixed=24, attributes=24)
    settings = TrainingConfig(epochs=2, batch_size=16)
    split = leave_one_out(load_sequences(trained))
    train(trained, "conditioned", split=split, items="refined/start", encoder=shape, training=settings)
    found = Recommender.load(trained, "refined/conditioned")
    user = found.encoder.model.user
    assert user is not None
    with torch.no_grad():
        user.decay.copy_(torch.linspace(-1, 3, 24))
        user.strength.copy_(torch.linspace(-2, 1, 24))
        user.out.weight.normal_(0, 0.5, generator=torch.Generator().manual_seed(0))
    return found


def write_users(store: Store, name: str, of: str, users: list[str], values: np.ndarray) -> Ref:
    """Vectors of users as `build users` writes them."""
    source = load_embedding(store, of).info.recipe
    recipe = {key: source[key] for key in ("attributes", "mean", "deviation")}
    recipe |= {"guided": of, "split_kind": "leave-one-out", "split_digest": "x"}
    return write_version(store, Ref("users", name), users, values.astype(np.float32), recipe=recipe).ref


def test_parts_add_up_to_what_is_read(conditioned: Recommender) -> None:
    user = conditioned.sequences.user_ids[3]
    found = conditioned.profile(user, movers=100)
    vector = found.vector
    assert vector is not None
    assert vector.read
    rows = np.array([conditioned.embedding.item_index[item] for item in found.history], np.int32)[-6:]
    assert vector.events == len(rows)
    guided = conditioned.embedding.vectors[:, :24]
    model = conditioned.encoder.model
    assert model.user is not None
    with torch.no_grad():
        state = model.user.states(torch.tensor(guided[rows])[None], torch.tensor([len(rows)]))[0, -1]
    values = [attribute.value * guided[:, n].std() for n, attribute in enumerate(vector.attributes)]
    np.testing.assert_allclose(values, state.numpy(), rtol=1e-3, atol=1e-5)
    memories = [attribute.memory for attribute in vector.attributes]
    np.testing.assert_allclose(memories, 1 / (1 - model.user.rho.detach().numpy()), rtol=1e-5)
    for attribute, taste in zip(vector.attributes, found.tastes, strict=True):
        assert attribute.prior == 0
        assert 0 < attribute.prior_share < 1
        assert sum(mover.adds for mover in attribute.movers) == pytest.approx(attribute.history, abs=1e-5)
        sizes = [abs(mover.adds) for mover in attribute.movers]
        assert sizes == sorted(sizes, reverse=True)
        assert attribute.query_weight == taste.query_weight


def test_a_prior_is_read_and_shown(trained: Store, conditioned: Recommender) -> None:
    known, unknown = conditioned.sequences.user_ids[3], conditioned.sequences.user_ids[4]
    scores = np.linspace(-2, 2, 24)[None]
    write_users(trained, "judged", "guided/films", [known], scores)
    plain = conditioned.profile(known, movers=2)
    found = conditioned.profile(known, movers=2, prior="users/judged")
    assert plain.vector is not None
    assert found.vector is not None
    assert found.vector.prior == "users/judged"
    deviation = conditioned.embedding.vectors[:, :24].std(axis=0)
    for n, (attribute, without) in enumerate(
        zip(found.vector.attributes, plain.vector.attributes, strict=True)
    ):
        expected = attribute.prior_share * scores[0, n] * 0.2 / deviation[n]  # 0.2: the version's scale
        assert attribute.prior == pytest.approx(expected, abs=1e-5)
        assert attribute.history == without.history
    asked = [attribute.query_weight for attribute in found.vector.attributes]
    assert asked != [attribute.query_weight for attribute in plain.vector.attributes]
    other = conditioned.profile(unknown, movers=2, prior="judged")
    assert other.vector is not None
    assert other.vector == conditioned.profile(unknown, movers=2).vector
    assert other.vector.prior == ""


def test_without_a_condition_it_is_the_mean_of_what_is_read(recommender: Recommender) -> None:
    items = [recommender.embedding.item_ids[row] for row in (0, 1, 2, 1)]
    vector = recommender.profile(items=items, movers=1).vector
    assert vector is not None
    assert not vector.read
    guided = recommender.embedding.vectors[:, :24]
    mean = guided[[0, 1, 2, 1]].mean(axis=0) / guided.std(axis=0)
    for n, attribute in enumerate(vector.attributes):
        assert attribute.value == pytest.approx(mean[n], abs=1e-5)
        assert (attribute.prior, attribute.prior_share, attribute.memory) == (0, 0, None)
        (mover,) = attribute.movers
        parts = (
            guided[[0, 1, 2], n] * [1, 2, 1] / guided[:, n].std() / 4
        )  # an item that came twice counts twice
        assert mover.adds == pytest.approx(parts[np.abs(parts).argmax()], abs=1e-5)
        assert mover.item_id == items[int(np.abs(parts).argmax())]
        assert mover.title


def test_a_vector_is_there_only_where_it_was_asked_for(recommender: Recommender) -> None:
    user = recommender.sequences.user_ids[0]
    assert recommender.profile(user).vector is None
    assert "user_vector" not in recommender.profile(user).to_dict()
    told = recommender.profile(user, movers=2).to_dict()
    assert len(told["user_vector"]["attributes"]) == 24
    assert told["user_vector"]["read_by_encoder"] is False
    with pytest.raises(UsageError, match="movers must be at least 0, and at least 1 with a prior"):
        recommender.profile(user, prior="users/judged")


def test_priors_that_do_not_fit_are_refused(trained: Store, recommender: Recommender) -> None:
    user = recommender.sequences.user_ids[0]
    ref = write_users(trained, "fits", "guided/films", [user], np.zeros((1, 24)))
    recipe = dict(load_embedding(trained, ref).info.recipe)
    few = recipe | {"attributes": [*list(recipe["attributes"])[:-1], "other"]}
    write_version(trained, Ref("users", "few"), [user], np.zeros((1, 24), np.float32), recipe=few)
    moved = recipe | {"mean": [value + 1 for value in recipe["mean"]], "guided": "guided/other"}
    write_version(trained, Ref("users", "moved"), [user], np.zeros((1, 24), np.float32), recipe=moved)
    with pytest.raises(UsageError, match=r"users/few says nothing of .*, which refined/small has"):
        recommender.profile(user, movers=1, prior="few")
    with pytest.raises(UsageError, match="standardised by guided/other, on another scale than refined/small"):
        recommender.profile(user, movers=1, prior="moved")
    with pytest.raises(UsageError, match="'base/small' does not name vectors of users"):
        recommender.profile(user, movers=1, prior="base/small")


def test_priors_are_bound_to_the_split_they_were_made_on(trained: Store, recommender: Recommender) -> None:
    split = leave_one_out(load_sequences(trained))
    ids = list(recommender.sequences.user_ids[:2])
    ref = write_users(trained, "bound", "guided/films", ids, np.ones((2, 24)))
    recipe = dict(load_embedding(trained, ref).info.recipe) | {"split_digest": split.digest}
    write_version(trained, Ref("users", "same"), ids, np.ones((2, 24), np.float32), recipe=recipe)
    same = load_priors(trained, "users/same", recommender.embedding)
    same.need_split(split)
    rows = same.rows([ids[1], "nobody"])
    np.testing.assert_allclose(rows, [[0.2] * 24, [0.0] * 24])
    other = load_priors(trained, "bound", recommender.embedding)
    with pytest.raises(UsageError, match="users/bound was judged by the training part of another split"):
        other.need_split(split)
