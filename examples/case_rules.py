"""Who is shown in the case studies: six rules over ranks, failures among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store import store as stores
from guided_store.catalogue import leave_one_out
from guided_store.evaluation import Cases
from guided_store.retrieval import Preferences, Recommender

LEAST = 10  # events of a history
DRAWN = 1500  # users looked at, in random order
K = 5  # length of the lists


@dataclass(frozen=True)
class Scan:
    """Ranks of what came next for every drawn case: by base, refined, and refined without its attributes."""

    cases: NDArray[np.int64]
    base: NDArray[np.float64]
    refined: NDArray[np.float64]
    latent: NDArray[np.float64]
    against: NDArray[np.float64]  # (m, A): how far the query asks for what the history has little of


@dataclass(frozen=True)
class Study:
    """One user: which rule chose them, and of which item the terms are shown."""

    title: str
    rule: str
    place: int  # in the scan
    fits: int = 1  # how many of the drawn do
    attribute: int = -1  # to be taken out, for the last rule


class Desk:
    """The store's two versions and the cases, and what is asked of them."""

    def __init__(self, folder: str, base: str, refined: str) -> None:
        self.store = stores.open(folder)
        self.base = Recommender.load(self.store, base)
        self.refined = Recommender.load(self.store, refined)
        self.cases = Cases(leave_one_out(self.refined.sequences))

    def history(self, case: int) -> list[str]:
        codes = self.cases.targets.history(self.cases.sequences, case)
        return [self.cases.sequences.item_ids[code] for code in codes]

    def user(self, case: int) -> str:
        found: str = self.cases.sequences.user_ids[self.cases.users[case]]
        return found

    def next(self, case: int) -> str:
        found: str = self.cases.sequences.item_ids[self.cases.wanted[case]]
        return found

    def title(self, item: str) -> str:
        return self.refined.titles.get(item, item)


def ranks(
    version: Recommender,
    histories: Sequence[NDArray[np.int32]],
    wanted: NDArray[np.int64],
    weights: dict[str, float],
) -> NDArray[np.float64]:
    """Rank of each wanted row after each history (rows of the version); inf where the version lacks it."""
    embedding = version.embedding
    found = np.full(len(histories), np.inf)
    there = (wanted >= 0) & np.array([len(rows) > 0 for rows in histories])
    known: list[int] = np.flatnonzero(there).tolist()
    queries = version.queries(
        [histories[place] for place in known], Preferences(weights), [None] * len(known)
    )
    scores = queries @ embedding.vectors.T + (0 if embedding.bias is None else embedding.bias)
    for line, place in zip(scores, known, strict=True):
        line[version.excluded(histories[place])] = -np.inf
        own = line[wanted[place]]
        found[place] = 1 + (line > own).sum() if np.isfinite(own) else np.inf
    return found


def scan(desk: Desk, seed: int) -> Scan:
    """Look at the drawn cases."""
    order = np.random.default_rng(seed).permutation(len(desk.cases))
    order = order[desk.cases.history_lengths[order] >= LEAST][:DRAWN]
    rows: dict[str, list[NDArray[np.int32]]] = {}
    found: dict[str, NDArray[np.float64]] = {}
    for name, version in (("base", desk.base), ("refined", desk.refined)):
        index = version.embedding.item_index
        rows[name] = [
            np.array([index[item] for item in desk.history(int(case)) if item in index], np.int32)
            for case in order
        ]
        wanted = np.array([index.get(desk.next(int(case)), -1) for case in order], np.int64)
        found[name] = ranks(version, rows[name], wanted, {})
        if version is desk.refined:
            nothing = dict.fromkeys(version.embedding.attributes, 0.0)
            found["latent"] = ranks(version, rows[name], wanted, nothing)
    embedding = desk.refined.embedding
    guided = embedding.vectors[:, : len(embedding.attributes)]
    deviation = np.maximum(guided.std(axis=0), 1e-6)
    lift = np.stack([(guided[own].mean(axis=0) - guided.mean(axis=0)) / deviation for own in rows["refined"]])
    asks = (
        desk.refined.queries(rows["refined"], Preferences(), [None] * len(order))[:, : guided.shape[1]]
        * deviation
    )
    against = np.where((lift < 0) & (asks > 0), -lift * asks, 0.0)
    return Scan(order, found["base"], found["refined"], found["latent"], against)


def choose(seen: Scan, attributes: Sequence[str]) -> Iterator[Study]:
    """The six users; a rule that nobody fits gives none."""
    rules = [
        (
            "A hit",
            f"refined ranks what came next first, base among its {K} best",
            (seen.refined == 1) & (seen.base <= K),
        ),
        (
            "A hit that the attributes make",
            f"refined ranks what came next among its {K} best, beyond 50 once all attributes are weighted 0",
            (seen.refined <= K) & (seen.latent > 50),
        ),
        ("A failure", "both rank what came next beyond 1,000", (seen.refined > 1000) & (seen.base > 1000)),
        (
            "A failure that the attributes make",
            "refined ranks what came next beyond 50, among its 20 best once all attributes are weighted 0",
            (seen.refined > 50) & (seen.latent <= 20),
        ),
        (
            "The versions disagree",
            f"base ranks what came next among its {K} best, refined beyond 50",
            (seen.base <= K) & (seen.refined > 50),
        ),
    ]
    taken = np.zeros(len(seen.cases), np.bool_)
    for title, rule, fits in rules:
        places = np.flatnonzero(fits & ~taken)
        if len(places):
            taken[places[0]] = True
            yield Study(title, rule, int(places[0]), int(fits.sum()))
    free = np.where(taken[:, None], 0, seen.against)
    if free.size and free.max() > 0:
        place, column = np.unravel_index(free.argmax(), free.shape)
        yield Study(
            "Corrected by a weight",
            "of all drawn, the one whom refined asks most for something the history has less of than the "
            f"average item (here {attributes[int(column)]}; `profile` shows both); what came next plays no "
            "part",
            int(place),
            attribute=int(column),
        )
