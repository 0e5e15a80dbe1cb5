"""Simulated viewers of the bundled films."""

from __future__ import annotations

import numpy as np

from guided_store.data import films
from guided_store.errors import UsageError
from guided_store.simulation._behaviour import Behaviour
from guided_store.simulation._histories import SimulatedHistories
from guided_store.simulation._simulate import FEWEST_ITEMS, simulate

FAME = "mainstream_popularity"


def simulate_films(
    *, users: int = 2000, known: int = 1500, seed: int = 0, behaviour: Behaviour | None = None
) -> SimulatedHistories:
    """Simulated histories over the `known` best-known bundled films, `mainstream_popularity` as the prior.

    Real films with real scores, seen by nobody: the histories are `simulate`'s.

    Raises:
        UsageError: fewer than 30 films or more than there are.
    """
    catalogue = films()
    if not FEWEST_ITEMS <= known <= len(catalogue):
        raise UsageError(f"simulate {FEWEST_ITEMS} to {len(catalogue):,} of the bundled films, not {known:,}")
    fame = catalogue.scores[:, catalogue.schema.names.index(FAME)]
    chosen = np.sort(np.argsort(-fame, kind="stable")[:known])
    return simulate(
        catalogue.scores[chosen],
        users=users,
        seed=seed,
        popularity=fame[chosen],
        item_ids=[catalogue.ids[row] for row in chosen],
        behaviour=behaviour,
    )
