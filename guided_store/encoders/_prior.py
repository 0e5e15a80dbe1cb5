"""What is known of users beside their events: their vectors, on the scale of an item version's attributes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.encoders._calibration import apply_calibration
from guided_store.encoders._encoder import Encoder
from guided_store.errors import EncoderError, UnknownVersionError, UsageError
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, load_embedding, users_ref


@dataclass(frozen=True)
class UserPriors:
    """Priors u_0 of users, for one item version (see `_user`).

    Attributes:
        ref: the version of kind `users` they come from.
        digest: its content digest.
        split: kind and digest of the split whose training part the users were judged by.
        user_ids: n ids.
        vectors: float32 (n, A), columns and scale of the item version's attribute columns.
    """

    ref: Ref
    digest: str
    split: tuple[str, str]
    user_ids: tuple[str, ...]
    vectors: NDArray[np.float32]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each user."""
        return {user: row for row, user in enumerate(self.user_ids)}

    def of(self, user: str) -> NDArray[np.float32] | None:
        """One user's prior, float32 (A,), or None where nothing is known."""
        row = self.row_of.get(user)
        return None if row is None else self.vectors[row]

    def rows(self, user_ids: Iterable[str | None], /) -> NDArray[np.float32]:
        """Priors of users in this order, float32 (m, A); zero, the average, where nothing is known."""
        places = np.array([-1 if user is None else self.row_of.get(user, -1) for user in user_ids], np.int64)
        found = np.zeros((len(places), self.vectors.shape[1]), np.float32)
        found[places >= 0] = self.vectors[places[places >= 0]]
        return found

    def need_split(self, split: Split) -> None:
        """Refuse to train or measure on a split whose training part is not what the users were judged by.

        Raises:
            UsageError: the users were judged by other events, which this split may hold out.
        """
        kind, digest = self.split
        if digest != split.digest:
            raise UsageError(
                f"{self.ref} was judged by the training part of another split ({kind}) than this one "
                f"({split.kind}), so it may have been shown what is predicted here; score the users on this "
                "split"
            )


def load_priors(store: Store, users: str | Ref, embedding: Embedding) -> UserPriors:
    """Users' vectors as an encoder of this item version reads them.

    Standard scores become the version's columns: the attributes that it has, in its order, times its scale,
    through its calibration where it learned one.

    Args:
        store: an open store.
        users: "users/NAME".
        embedding: a refined version.

    Raises:
        UsageError: a version without attributes, or with others than the users were judged on, or whose
            attributes were standardised by other means and deviations.
        VersionError: there are no such vectors, or they are damaged.
    """
    if not embedding.attributes:
        raise UsageError(f"{embedding.ref} has no attributes that vectors of users could be on")
    found = load_embedding(store, users_ref(users))
    missing = [name for name in embedding.attributes if name not in found.attributes]
    if missing:
        raise UsageError(
            f"{found.ref} says nothing of {', '.join(missing)}, which {embedding.ref} has; score the users "
            "on the same schema"
        )
    columns = [found.attributes.index(name) for name in embedding.attributes]
    for key in ("mean", "deviation"):
        ours, theirs = _floats(embedding.info.recipe[key]), _floats(found.info.recipe[key])[columns]
        if not np.allclose(ours, theirs, rtol=1e-5, atol=1e-7):
            raise UsageError(
                f"{found.ref} was standardised by {found.info.recipe['guided']}, on another scale than "
                f"{embedding.ref}; build it with --guided {embedding.info.recipe.get('guided', 'of its own')}"
            )
    recipe = embedding.info.recipe
    vectors = found.vectors[:, columns] * np.float32(str(recipe.get("guided_scale", 1.0)))
    for step in cast("Sequence[dict[str, list[list[float]]]]", recipe.get("calibration", ())):
        vectors = apply_calibration(vectors, np.array(step["knots"]), np.array(step["slopes"]))
    split = (str(found.info.recipe["split_kind"]), str(found.info.recipe["split_digest"]))
    return UserPriors(found.ref, found.digest, split, found.item_ids, vectors)


def priors_of(store: Store, encoder: Encoder, embedding: Embedding) -> UserPriors | None:
    """The priors that an encoder was trained with, or None where it was trained without.

    Args:
        store: an open store.
        encoder: of `embedding`.
        embedding: the version that it is bound to.

    Raises:
        EncoderError: the version of users is gone, or is not what it was.
        VersionError: it is damaged.
    """
    named = encoder.manifest.training.get("users")
    if named is None:
        return None
    remedy = f"restore it from a copy, build it again from the same scores, or train {embedding.ref} again"
    try:
        priors = load_priors(store, str(named), embedding)
    except UnknownVersionError:
        raise EncoderError(
            f"the encoder of {embedding.ref} starts users at {named}, which is not in the store any more; "
            + remedy
        ) from None
    recorded = str(encoder.manifest.training["users_digest"])
    if priors.digest != recorded:
        raise EncoderError(
            f"the encoder of {embedding.ref} was trained with {named} of digest {recorded[:12]}..., but its "
            f"digest is {priors.digest[:12]}... now; {remedy}"
        )
    return priors


def _floats(value: object) -> NDArray[np.float64]:
    return np.array([float(str(entry)) for entry in cast("list[object]", value)])
