"""What retrieval gives back: recommendations whose terms add up to their score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Term:
    """One attribute's part in a score.

    Attributes:
        name: the attribute.
        contribution: query weight times the item's guided value: what it adds to the score.
        raw: the item's score on the schema's scale (0..10), or None where it was never scored.
        imputed: whether the guided value was filled in.
    """

    name: str
    contribution: float
    raw: float | None
    imputed: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "attribute": self.name,
            "contribution": self.contribution,
            "raw": self.raw,
            "imputed": self.imputed,
        }


@dataclass(frozen=True)
class Recommendation:
    """One item with its score, and the terms that make the score.

    `sum(term.contribution for term in terms) + latent + bias == score` to float32 rounding: the score is a
    sum, the terms are its summands (see `docs/method.md`).

    Attributes:
        rank: 1-based.
        item_id, title: the item; the title is "" where the catalogue has none.
        score: the number that ranked.
        terms: one per attribute, in schema order; empty for a base version or a fallback list.
        latent: part of the collaborative dimensions.
        bias: the item's own part, whoever asks (mostly popularity).
    """

    rank: int
    item_id: str
    title: str
    score: float
    terms: tuple[Term, ...] = ()
    latent: float = 0.0
    bias: float = 0.0

    def top_terms(self, count: int = 3) -> tuple[Term, ...]:
        """The attributes that moved the score most, up or down, largest first."""
        return tuple(sorted(self.terms, key=lambda term: -abs(term.contribution))[:count])

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable form."""
        return {
            "rank": self.rank,
            "item_id": self.item_id,
            "title": self.title,
            "score": self.score,
            "latent": self.latent,
            "bias": self.bias,
            "attributes": [term.to_dict() for term in self.terms],
        }


@dataclass(frozen=True)
class Recommendations:
    """A list of recommendations and where it came from.

    Attributes:
        items: best first.
        source: "model", "similar", "recent popularity" or "popularity".
        reason: why it is not the model's list, "" where it is.
        skipped: items of the history that the version does not know; they were not read.
        version: the embedding version that scored.
        history: item ids that were read, oldest first.
    """

    items: tuple[Recommendation, ...]
    source: str
    reason: str = ""
    skipped: tuple[str, ...] = ()
    version: str = ""
    history: tuple[str, ...] = field(default=(), repr=False)

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Recommendation:
        return self.items[place]

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable form."""
        return {
            "version": self.version,
            "source": self.source,
            "reason": self.reason,
            "skipped": list(self.skipped),
            "history_length": len(self.history),
            "items": [item.to_dict() for item in self.items],
        }


@dataclass(frozen=True)
class Explanation:
    """One item for one user, in full.

    Attributes:
        recommendation: the item; its rank is among all items that could be recommended, None of them left out
            by an index.
        candidates: how many those are.
        seen: whether the item is in the history (its rank then says where it would stand).
        attribute_share: share of |terms| + |latent| that the attributes carry.
    """

    recommendation: Recommendation
    candidates: int
    seen: bool
    attribute_share: float
    version: str = ""
    skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return self.recommendation.to_dict() | {
            "version": self.version,
            "candidates": self.candidates,
            "seen": self.seen,
            "attribute_share": self.attribute_share,
            "skipped": list(self.skipped),
        }


@dataclass(frozen=True)
class AttributeTaste:
    """A user on one attribute.

    Attributes:
        name: the attribute.
        history_mean: mean raw score over the history (scored items only), None where there is none.
        catalogue_mean: mean raw score over all items of the version.
        lift: history's mean guided value in standard deviations of the catalogue.
        query_weight: what the encoder asks for now: the query's value on the attribute times its deviation.
    """

    name: str
    history_mean: float | None
    catalogue_mean: float
    lift: float
    query_weight: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "attribute": self.name,
            "history_mean": self.history_mean,
            "catalogue_mean": self.catalogue_mean,
            "lift": self.lift,
            "query_weight": self.query_weight,
        }


@dataclass(frozen=True)
class Mover:
    """What one item of the history adds to one attribute of a user's vector, all of its events together.

    Attributes:
        item_id, title: the item; the title is "" where the catalogue has none.
        adds: in standard deviations of the catalogue.
    """

    item_id: str
    title: str
    adds: float

    def to_dict(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "title": self.title, "adds": self.adds}


@dataclass(frozen=True)
class UserAttribute:
    """One attribute of a user's vector, in standard deviations of the catalogue; 0 is the scored average.

    Attributes:
        name: the attribute.
        history: what the events read add; prior: what the prior adds.
        prior_share: weight of the prior against all events, in [0, 1).
        memory: how many events count, 1 / (1 - rho); None where all count alike.
        query_weight: what the encoder asks for now, as in `AttributeTaste`.
        movers: the items that moved the attribute most, up or down, largest first.
    """

    name: str
    history: float
    prior: float
    prior_share: float
    memory: float | None
    query_weight: float
    movers: tuple[Mover, ...]

    @property
    def value(self) -> float:
        """The user's value: history's part plus prior's part."""
        return self.history + self.prior

    def to_dict(self) -> dict[str, Any]:
        return {
            "attribute": self.name,
            "value": self.value,
            "history": self.history,
            "prior": self.prior,
            "prior_share": self.prior_share,
            "memory": self.memory,
            "query_weight": self.query_weight,
            "movers": [mover.to_dict() for mover in self.movers],
        }


@dataclass(frozen=True)
class UserVector:
    """A user's attribute vector after the newest event, and what it is made of; attributes in schema order.

    Attributes:
        read: whether the encoder reads such a vector (`EncoderConfig.user`); if not, this is a description:
            the plain mean of the events that it reads.
        events: events read, the newest ones.
        prior: where the prior comes from, "users/NAME"; "" for none, which counts as the average.
        attributes: one each.
    """

    read: bool
    events: int
    prior: str
    attributes: tuple[UserAttribute, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "read_by_encoder": self.read,
            "events": self.events,
            "prior": self.prior or None,
            "attributes": [attribute.to_dict() for attribute in self.attributes],
        }


@dataclass(frozen=True)
class Profile:
    """A user's history in attributes; `tastes` in schema order, `vector` where it was asked for."""

    version: str
    history: tuple[str, ...]
    skipped: tuple[str, ...]
    tastes: tuple[AttributeTaste, ...]
    vector: UserVector | None = None

    def to_dict(self) -> dict[str, Any]:
        found = {
            "version": self.version,
            "history": list(self.history),
            "skipped": list(self.skipped),
            "attributes": [taste.to_dict() for taste in self.tastes],
        }
        return found if self.vector is None else found | {"user_vector": self.vector.to_dict()}
