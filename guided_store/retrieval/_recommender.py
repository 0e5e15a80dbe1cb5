"""`Recommender`: the query path as one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, load_items, load_sequences
from guided_store.encoders import Encoder, UserPriors, load_encoder, load_priors, priors_of
from guided_store.errors import UsageError
from guided_store.evaluation import check_repeats
from guided_store.retrieval._breakdown import break_down, explained, terms_of
from guided_store.retrieval._fallback import Popularity, popularity
from guided_store.retrieval._indexes import load_index
from guided_store.retrieval._preferences import Preferences, check_length
from guided_store.retrieval._profile import profile_of, take_apart
from guided_store.retrieval._results import Explanation, Profile, Recommendation, Recommendations
from guided_store.retrieval._similar import row_of, similar_items
from guided_store.store import Store
from guided_store.store import open as open_store
from guided_store.versions import Embedding, Ref, load_embedding, resolve
from indexes import VectorIndex

CANDIDATES = 100
"""Items that are re-scored exactly, at least."""


class Recommender:
    """Next items for users, from an embedding version, its encoder and an index.

    Reads of one object are safe from several threads. Made by `load`:

        recommender = Recommender.load("store", "refined/films")
        for item in recommender.recommend(user="42", k=10, weights={"humor": 1.5}):
            print(item.title, item.score, item.top_terms(3))
    """

    def __init__(
        self,
        store: Store,
        embedding: Embedding,
        encoder: Encoder,
        index: VectorIndex,
        *,
        repeats: str = "exclude",
        priors: UserPriors | None = None,
    ) -> None:
        self.store = store
        self.embedding = embedding
        self.encoder = encoder
        self.index = index
        self.repeats = check_repeats(repeats)
        self.priors = priors

    @classmethod
    def load(
        cls,
        store: Store | str | Path,
        version: str | Ref,
        *,
        index: str | None = None,
        repeats: str | None = None,
        device: str = "cpu",
    ) -> Self:
        """Load a version, its encoder and an index, each checked against the others.

        Where the encoder was trained with priors of users they are loaded too, and every query of a user
        starts from that user's; a history given outright starts from the average.

        Args:
            store: an open store, or its folder.
            version: "refined/x", "base/x" or an alias.
            index: name of a stored index of the version; by default the alias's, else an exact index made in
                memory.
            repeats: whether items of the history may be recommended again ("allow"; shops) or not ("exclude";
                films).
            device: where the encoder runs.

        Raises:
            UsageError: the version has no encoder, or no such index.
            VersionError, EncoderError, indexes.VectorIndexError: something is missing, damaged, or does not
                belong together.
        """
        opened = store if isinstance(store, Store) else open_store(store)
        ref, bound = resolve(opened, version)
        embedding = load_embedding(opened, ref)
        encoder = load_encoder(opened, embedding, device)
        chosen = index or bound
        if chosen is None:
            searcher = VectorIndex.build(embedding.vectors, embedding.bias)
        else:
            searcher = load_index(opened, embedding, chosen)
        priors = priors_of(opened, encoder, embedding)
        return cls(opened, embedding, encoder, searcher, repeats=repeats or encoder.repeats, priors=priors)

    # what is read from the store once -------------------------------------------------------------------

    @cached_property
    def sequences(self) -> Sequences:
        """All users' events."""
        return load_sequences(self.store)

    @cached_property
    def titles(self) -> dict[str, str]:
        """Title of each item id; an item without one is absent."""
        return load_items(self.store).titles

    @cached_property
    def popularity(self) -> Popularity:
        """Counts behind the fallback list."""
        return popularity(self.sequences, self.embedding)

    # the queries ----------------------------------------------------------------------------------------

    def recommend(
        self,
        user: str | None = None,
        items: Sequence[str] | None = None,
        *,
        k: int = 10,
        weights: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
        maximum: Mapping[str, float] | None = None,
        repeats: str | None = None,
    ) -> Recommendations:
        """The k best next items, each with the terms that make its score.

        A user without a history the version can read gets the popular items instead; `source` and `reason`
        say so.

        Args:
            user: a user of the store, or
            items: a history given outright, oldest first.
            k: length of the list; shorter only where fewer items are allowed.
            weights: factor per attribute on the query, see `Preferences`.
            minimum, maximum: limits per attribute on raw scores; applied inside the search, so that they
                never shorten the list.
            repeats: overrides the recommender's own setting.

        Raises:
            UsageError: neither or both of `user` and `items`, k below 1, unknown attributes.
        """
        check_length(k)
        preferences = Preferences.checked(self.embedding, weights, minimum, maximum)
        history, rows, skipped, why_none = self._read(user, items)
        allow = preferences.allowed(self.embedding)
        exclude = self.excluded(rows, repeats)
        if not len(rows):
            return self._popular(k, exclude, allow, skipped, why_none)
        query = self.queries([rows], preferences, [user])[0]
        found = min(max(CANDIDATES, 2 * k), self.index.n)
        _, ids = self.index.search(query, found, exclude=exclude, allow=allow)
        candidates = ids[0][ids[0] >= 0]
        chosen = self._rank(query, candidates, k)
        reason = "" if chosen else "no item is within the limits and outside the history"
        return Recommendations(chosen, "model", reason, skipped, str(self.embedding.ref), history)

    def explain(
        self,
        item: str,
        user: str | None = None,
        items: Sequence[str] | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        repeats: str | None = None,
    ) -> Explanation:
        """One item for one user in full: every term, and its rank among all items.

        Raises:
            UsageError: an item the version does not hold; a user without a readable history.
        """
        row = row_of(self.embedding, item, self.titles)
        preferences = Preferences.checked(self.embedding, weights)
        _, rows, skipped, why_none = self._read(user, items)
        if not len(rows):
            raise UsageError(f"nothing can be explained: {why_none}")
        query = self.queries([rows], preferences, [user])[0]
        wanted = np.array([row])
        breakdown = break_down(self.embedding, query, wanted)
        everything = np.arange(self.index.n)
        hidden = np.zeros(self.index.n, bool)
        hidden[self.excluded(rows, repeats)] = True
        seen = bool(np.isin(row, rows))
        hidden[row] = False
        others = everything[~hidden]
        scores = break_down(self.embedding, query, others).scores
        own = breakdown.scores[0]
        rank = 1 + int(((scores > own) | ((scores == own) & (others < row))).sum())
        recommendation = Recommendation(
            rank,
            item,
            self.titles.get(item, ""),
            float(own),
            terms_of(self.embedding, breakdown, 0, row),
            float(breakdown.latent[0]),
            float(breakdown.bias[0]),
        )
        told = float(np.abs(breakdown.attributes).sum())
        share = told / max(told + abs(recommendation.latent), 1e-12)
        return Explanation(recommendation, len(others), seen, share, str(self.embedding.ref), skipped)

    def profile(
        self,
        user: str | None = None,
        items: Sequence[str] | None = None,
        *,
        movers: int = 0,
        prior: str | Ref | None = None,
    ) -> Profile:
        """A user's history in attributes, and what the encoder asks for after it.

        Args:
            user, items: as in `recommend`.
            movers: how many items of the history to name for each attribute of the user's own vector; 0
                leaves `Profile.vector` out.
            prior: "users/NAME", vectors of users that the user's starts from, by default those that the
                encoder was trained with; users that are not in it, and a history given outright, start from
                the average.

        Raises:
            UsageError: a version without attributes, or with others than `prior`; a user without a readable
                history; `prior` without `movers`.
        """
        if movers < 0 or (prior is not None and not movers):
            raise UsageError("movers must be at least 0, and at least 1 with a prior")
        history, rows, skipped, why_none = self._read(user, items)
        if not len(rows):
            raise UsageError(f"there is no profile: {why_none}")
        own, name = None, ""
        known = self.priors if prior is None else load_priors(self.store, prior, self.embedding)
        if known is not None and user is not None:
            own = known.of(user)
            name = "" if own is None else str(known.ref)
        query = self.encoder.encode([rows], None if own is None else own[None])[0]
        found = profile_of(self.embedding, rows, query, history, skipped)
        if not movers:
            return found
        vector = take_apart(
            self.embedding,
            self.encoder,
            rows,
            query,
            self.titles,
            movers=movers,
            prior=own,
            prior_name=name,
        )
        return replace(found, vector=vector)

    def similar(self, item: str, *, k: int = 10) -> Recommendations:
        """The k items nearest to one item by cosine, which is a sum over dimensions too.

        Raises:
            UsageError: an item the version does not hold, k below 1.
        """
        return similar_items(self.embedding, item, k, titles=self.titles)

    # what single lists and lists in bulk share ----------------------------------------------------------

    def queries(
        self, histories: Sequence[NDArray[np.int32]], preferences: Preferences, users: Sequence[str | None]
    ) -> NDArray[np.float32]:
        """Queries float32 (m, d) of histories of row numbers (oldest first, none empty), weights applied.

        `users` says whose each one is, None where that is nobody's.
        """
        priors = None if self.priors is None else self.priors.rows(users)
        return preferences.weigh(self.embedding, self.encoder.encode(histories, priors))

    def excluded(self, history: NDArray[np.int32], repeats: str | None = None) -> NDArray[np.int64]:
        """Rows that a list for this history leaves out: its own, or none where repeats are allowed."""
        if check_repeats(repeats or self.repeats) == "allow":
            return np.empty(0, np.int64)
        return np.unique(history).astype(np.int64)

    # inside ---------------------------------------------------------------------------------------------

    def _read(
        self, user: str | None, items: Sequence[str] | None
    ) -> tuple[tuple[str, ...], NDArray[np.int32], tuple[str, ...], str]:
        """History ids that are known, their rows, ids that are not, and why there is nothing to read."""
        if (user is None) == (items is None):
            raise UsageError("name either a user or a list of items")
        why_none = ""
        if items is not None:
            given = list(items)
            why_none = "the list of items is empty"
        elif user in self.sequences.user_index:
            given = self.sequences.history(user)
        else:
            given = []
            why_none = f"user {user!r} is unknown to this store"
        row_of = self.embedding.item_index
        known = tuple(item for item in given if item in row_of)
        skipped = tuple(dict.fromkeys(item for item in given if item not in row_of))
        if given and not known:
            why_none = f"{self.embedding.ref} knows none of the history's {len(skipped)} items"
        return known, np.array([row_of[item] for item in known], np.int32), skipped, why_none

    def _rank(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], k: int
    ) -> tuple[Recommendation, ...]:
        breakdown = break_down(self.embedding, query, rows)
        scores = breakdown.scores
        places = np.lexsort((rows, -scores))[:k]
        return explained(self.embedding, breakdown, scores, rows, self.titles, places)

    def _popular(
        self,
        k: int,
        exclude: NDArray[np.int64],
        allow: NDArray[np.bool_] | None,
        skipped: tuple[str, ...],
        why_none: str,
    ) -> Recommendations:
        counts = self.popularity
        rows = counts.best(k, exclude, allow)
        ids = [self.embedding.item_ids[row] for row in rows]
        chosen = tuple(
            Recommendation(
                rank,
                item,
                self.titles.get(item, ""),
                float(counts.counts[row]),
                bias=float(counts.counts[row]),
            )
            for rank, (item, row) in enumerate(zip(ids, rows, strict=True), start=1)
        )
        reason = f"{why_none}; these are the most popular items {counts.period}, scored by their events"
        return Recommendations(chosen, counts.source, reason, skipped, str(self.embedding.ref))
