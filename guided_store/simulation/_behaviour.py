"""The parameters of the behaviour model; `_simulate.py` has its equations."""

from __future__ import annotations

from dataclasses import dataclass, fields

from guided_store.errors import UsageError

HOUR = 60 * 60
DAY = 24 * HOUR


@dataclass(frozen=True)
class Behaviour:
    """How simulated people choose films. Weights are log-odds per standard deviation.

    The defaults were set so that baselines do about as well as on real data: on 2,000 users of 1,500 bundled
    films NDCG@10 is 0.034 for popularity and 0.114 for ItemKNN (leave-one-out, full ranking), where
    MovieLens-100K gives 0.045 and 0.103. Nothing else about them is fitted to real people.

    Attributes:
        popularity, taste, hidden: weights of an item's popularity, of the user's taste in attributes, and of
            what the attributes do not explain, in which films a user has in mind at all.
        prior_share: share of the variance of popularity that the given prior explains; the rest is chance.
        archetypes: number of typical tastes; liked: attributes that matter to each.
        communities: number of groups of users who share a hidden preference; hidden_factors: its dimension.
        in_mind: films a user has in mind, of which the moods pick.
        mood: weight of the mood; mood_axes: its dimension; mood_stays, mood_returns: its correlation with the
            mood before, within a sitting and from one sitting to the next.
        follow_up: probability that a film calls for one of its followers; followers: how many each has.
        stay: probability that a sitting goes on after a film.
        median_events, spread: of the lognormal number of films; fewest, most: where it is cut.
        start, span: unix seconds of the earliest first film, and the seconds over which first films spread.
    """

    popularity: float = 1.5
    taste: float = 1.0
    hidden: float = 1.0
    prior_share: float = 0.6
    archetypes: int = 10
    liked: int = 4
    communities: int = 12
    hidden_factors: int = 6
    in_mind: int = 200
    mood: float = 2.0
    mood_axes: int = 6
    mood_stays: float = 0.95
    mood_returns: float = 0.6
    follow_up: float = 0.3
    followers: int = 3
    stay: float = 0.5
    median_events: float = 25.0
    spread: float = 0.6
    fewest: int = 5
    most: int = 150
    start: int = 1_577_836_800
    span: int = 730 * DAY

    def __post_init__(self) -> None:
        for name in ("prior_share", "mood_stays", "mood_returns", "follow_up", "stay"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name} of the simulated behaviour must be between 0 and 1, not {value:g}")
        for field in fields(self):
            value = getattr(self, field.name)
            least = 1 if isinstance(field.default, int) else 0
            if not least <= value < float("inf"):
                raise UsageError(
                    f"{field.name} of the simulated behaviour must be a number from {least}, not {value:g}"
                )
        if self.median_events < 1:
            raise UsageError(f"the median number of events must be 1 or more, not {self.median_events:g}")
        if self.fewest > self.most:
            raise UsageError(f"the fewest events of a user, {self.fewest}, are above the most, {self.most}")
