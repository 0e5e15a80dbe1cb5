"""A behaviour model of film viewing. **Everything it gives is simulated**, and is to be called so.

The model exists to try the whole path without anybody's data. Since its users follow attributes by
construction, a gain of attribute-guided embeddings on them is no evidence that real people are like that.

With `z_i` an item's attributes, standardised over the items, and all `N` standard normal:

1. Hidden factors, unknown to the attributes: `h_i ~ N` (hidden_factors), so that interactions carry a signal
   which only a model of interactions can find.
2. Popularity: `p_i = sqrt(s) prior_i + sqrt(1 - s) N`, `s = prior_share`, prior standardised.
3. Taste: each archetype `a_k` has `liked` attributes with weights `N`, others 0. User u takes two archetypes
   and some noise on few attributes of their own: `t_u = a_k + a_l / 2 + e_u / 2`.
4. Community: `g_u = c_m + N / 2`, community m drawn at random, `c_m ~ N`.
5. In mind: the `in_mind` items of the largest `w_p p_i + w_t <t_u, z_i>* + w_h <g_u, h_i>* + Gumbel`, with
   `*` scaled to deviation 1 over the items of each user. That is a draw without replacement in proportion to
   `exp(w_p p_i + w_t ... + w_h ...)` (the Gumbel-top-k trick; Kool, van Hoof and Welling, ICML 2019).
6. Mood: `m_{u,1} ~ N` (mood_axes), `m_{u,t+1} = r m_{u,t} + sqrt(1 - r^2) N`, `r = mood_stays` within a
   sitting and `mood_returns` between two. An item's place on the axes: `y_i = Q [z_i ; h_i]`, random
   directions Q, each axis scaled to deviation 1.
7. Choice: among items in mind, not seen yet, the largest `w_m <m_{u,t}, y_i> / sqrt(mood_axes) + Gumbel`.
   But with probability `follow_up` a film calls for one of its `followers` instead (a sequel, the director's
   next), if one is unseen: followers of i are the nearest of 60 items drawn at random, in `[z ; h]`.
8. Sittings: after each film the sitting goes on with probability `stay`; the next film comes after 2 hours
   plus exponential half an hour, else after 12 hours plus exponential 4 days. Numbers of films are lognormal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from guided_store.errors import UsageError
from guided_store.simulation._behaviour import DAY, HOUR, Behaviour
from guided_store.simulation._histories import SimulatedHistories

FEWEST_ITEMS = 30

_POOL = 60
_BLOCK = 2_000_000

Floats = NDArray[np.float64]


def simulate(
    scores: ArrayLike,
    *,
    users: int = 2000,
    seed: int = 0,
    popularity: ArrayLike | None = None,
    item_ids: Sequence[str] | None = None,
    behaviour: Behaviour | None = None,
) -> SimulatedHistories:
    """Simulate viewing histories over a catalogue; the module's text has the equations.

    Everything is computed in float64, where rounding (which may differ with the number of threads) does not
    decide a choice in practice: the same seed gives the same histories.

    Args:
        scores: (n, A), attributes of the items on any common scale (0..10), n at least 30.
        users: how many to simulate.
        seed: of all draws.
        popularity: (n,), a prior of how well-known each item is, on any scale; None: chance alone.
        item_ids: of the items, "0", "1", ... by default.
        behaviour: the model's parameters.

    Raises:
        UsageError: no users, too few items, arrays that do not fit or are not finite.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or table.shape[0] < FEWEST_ITEMS or not table.shape[1]:
        raise UsageError(
            f"a simulation needs scores of {FEWEST_ITEMS} items or more on 1 attribute or more, "
            f"not an array of shape {table.shape}"
        )
    n_items = len(table)
    prior = np.zeros(n_items) if popularity is None else np.asarray(popularity, np.float64)
    names = tuple(map(str, range(n_items))) if item_ids is None else tuple(item_ids)
    if prior.shape != (n_items,) or len(names) != n_items:
        raise UsageError(
            f"scores of {n_items} items, popularity of shape {prior.shape} and {len(names)} item ids "
            "do not belong together"
        )
    if not (np.isfinite(table).all() and np.isfinite(prior).all()):
        raise UsageError("scores and popularity of a simulation must be finite numbers, without gaps")
    if users < 1:
        raise UsageError(f"a simulation needs 1 user or more, not {users}")
    model = behaviour or Behaviour()
    random = np.random.default_rng(seed)

    attributes = _standardise(table)
    hidden = random.standard_normal((n_items, model.hidden_factors))
    chance = random.standard_normal(n_items)
    share = model.prior_share if popularity is not None else 0.0
    known = np.sqrt(share) * _standardise(prior[:, None])[:, 0] + np.sqrt(1 - share) * chance
    places = np.hstack([attributes, hidden])
    followers = _followers(places, model.followers, random)

    tastes = _tastes(users, table.shape[1], model, random)
    groups = random.standard_normal((model.communities, model.hidden_factors))
    belongs = random.integers(0, model.communities, users)
    leaning = groups[belongs] + 0.5 * random.standard_normal((users, model.hidden_factors))
    mind = _in_mind(known, attributes, hidden, tastes, leaning, model, random)

    # Long histories first: the users still watching are then always the first rows.
    # No longer than what is in mind, which then never runs out, whatever follow-ups add.
    most = min(model.most, n_items // 3, mind.shape[1])
    drawn = random.lognormal(np.log(model.median_events), model.spread, users)
    lengths = np.clip(np.rint(drawn).astype(np.int64), min(model.fewest, most), most)
    order = np.argsort(-lengths, kind="stable")
    goes_on = random.random((users, int(lengths.max()))) < model.stay
    axes = _standardise(places @ random.standard_normal((places.shape[1], model.mood_axes)))
    watched = _watch(mind[order], lengths[order], goes_on[order], axes, followers, model, random)

    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(users)
    within = np.arange(goes_on.shape[1]) < lengths[:, None]
    times = _times(goes_on, model, random)
    width = max(4, len(str(users)))
    return SimulatedHistories(
        user_ids=tuple(f"simulated-{number:0{width}d}" for number in range(1, users + 1)),
        item_ids=names,
        indptr=indptr,
        items=watched[place][within],
        times=times[within],
        tastes=tastes.astype(np.float32),
    )


def _standardise(columns: Floats) -> Floats:
    """Each column to mean 0 and deviation 1; a constant one to 0."""
    deviation = columns.std(axis=0)
    # A constant column may have a deviation of rounding error.
    flat = deviation <= 1e-9 * np.maximum(1.0, np.abs(columns).max(axis=0))
    centred: Floats = columns - columns.mean(axis=0)
    centred /= np.where(flat, np.inf, deviation)
    return centred


def _sparse_normal(rows: int, columns: int, filled: int, random: np.random.Generator) -> Floats:
    """Rows with `filled` standard normal entries at random places, 0 elsewhere."""
    chosen = np.argsort(random.random((rows, columns)), axis=1)[:, :filled]
    weights = np.zeros((rows, columns))
    np.put_along_axis(weights, chosen, random.standard_normal(chosen.shape), axis=1)
    return weights


def _tastes(users: int, n_attributes: int, model: Behaviour, random: np.random.Generator) -> Floats:
    """Weights on the attributes, (U, A)."""
    archetypes = _sparse_normal(model.archetypes, n_attributes, model.liked, random)
    first, second = random.integers(0, model.archetypes, (2, users))
    own = _sparse_normal(users, n_attributes, max(1, model.liked // 2), random)
    tastes: Floats = archetypes[first] + 0.5 * archetypes[second] + 0.5 * own
    return tastes


def _followers(places: Floats, followers: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Items that each item calls for, (n, f): the nearest of a random pool, never itself."""
    n_items = len(places)
    pool = random.integers(1, n_items, (n_items, min(_POOL, n_items - 1)))
    pool = (pool + np.arange(n_items)[:, None]) % n_items
    near: Floats = np.empty(pool.shape)
    step = max(1, _BLOCK // (pool.shape[1] * places.shape[1]))
    for start in range(0, n_items, step):
        rows = slice(start, start + step)
        near[rows] = ((places[pool[rows]] - places[rows, None]) ** 2).sum(axis=2)
    # The pool is drawn with replacement: a film drawn twice is a follower twice, and so likelier.
    best = np.argsort(near, axis=1, kind="stable")[:, :followers]
    return np.take_along_axis(pool, best, axis=1)


def _in_mind(
    known: Floats,
    attributes: Floats,
    hidden: Floats,
    tastes: Floats,
    leaning: Floats,
    model: Behaviour,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Items that each user has in mind, (U, in_mind), in no particular order."""
    n_items = len(known)
    size = min(model.in_mind, n_items)
    mind = np.empty((len(tastes), size), np.int64)
    step = max(1, _BLOCK // n_items)
    for start in range(0, len(tastes), step):
        rows = slice(start, start + step)
        appeal = random.gumbel(size=(len(tastes[rows]), n_items))
        appeal += model.popularity * known
        appeal += model.taste * _standardise((tastes[rows] @ attributes.T).T).T
        appeal += model.hidden * _standardise((leaning[rows] @ hidden.T).T).T
        mind[rows] = np.argpartition(appeal, n_items - size, axis=1)[:, n_items - size :]
    return mind


def _watch(
    mind: NDArray[np.int64],
    lengths: NDArray[np.int64],
    goes_on: NDArray[np.bool_],
    axes: Floats,
    followers: NDArray[np.int64],
    model: Behaviour,
    random: np.random.Generator,
) -> NDArray[np.int32]:
    """Films in order, int32 (U, longest), rows by falling length; what lies beyond a length is 0."""
    users, longest = goes_on.shape
    watched = np.zeros((users, longest), np.int32)
    seen = np.zeros((users, len(axes)), np.bool_)
    mood = random.standard_normal((users, model.mood_axes))
    minded = axes[mind]  # (U, in_mind, mood_axes)
    sway = model.mood / np.sqrt(model.mood_axes)
    for event in range(longest):
        active = int(np.count_nonzero(lengths > event))
        row = np.arange(active)
        if event:
            stays = np.where(goes_on[:active, event - 1], model.mood_stays, model.mood_returns)[:, None]
            fresh = random.standard_normal((active, model.mood_axes))
            mood[:active] = stays * mood[:active] + np.sqrt(1 - stays**2) * fresh
        options = mind[:active]
        appeal = random.gumbel(size=options.shape)
        appeal += np.einsum("uca,ua->uc", minded[:active], sway * mood[:active])
        appeal[seen[row[:, None], options]] = -np.inf
        chosen = options[row, appeal.argmax(axis=1)]
        if event:
            called = followers[watched[:active, event - 1]]
            lot = random.random(called.shape)
            lot[seen[row[:, None], called]] = -1.0
            best = lot.argmax(axis=1)
            follows = (random.random(active) < model.follow_up) & (lot[row, best] >= 0)
            chosen = np.where(follows, called[row, best], chosen)
        watched[:active, event] = chosen
        seen[row, chosen] = True
    return watched


def _times(goes_on: NDArray[np.bool_], model: Behaviour, random: np.random.Generator) -> NDArray[np.int64]:
    """Unix seconds of each film, int64 (U, longest), strictly increasing along a row."""
    users, longest = goes_on.shape
    soon = 2 * HOUR + random.exponential(HOUR / 2, (users, longest))
    later = 12 * HOUR + random.exponential(4 * DAY, (users, longest))
    gaps = np.where(goes_on, soon, later)
    gaps = np.hstack([random.uniform(0, model.span, (users, 1)), gaps[:, :-1]])
    return model.start + np.cumsum(np.ceil(gaps).astype(np.int64), axis=1)
