"""The plan of the headline table: one place per dataset, and the order of priority.

Edit settings here. A changed setting changes the digest of the runs it belongs to, which are then made anew;
all others stay.
"""

from __future__ import annotations

from guided_store.reproduction._plan import Block, DatasetPlan, Plan, Recipe, Schedule


def _grid(dropouts: tuple[float, ...], rates: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    return tuple({"dropout": dropout, "learning_rate": rate} for dropout in dropouts for rate in rates)


RESIDUAL = Recipe(build={"guided_scale": 0.2}, encoder={"residual": True}, training={"cold_share": 0.1})
"""For a sparse catalogue: chosen on validation of amazon-office, one seed (docs/refinement.md)."""

PLAIN = Recipe(build={"guided_scale": 0.2})
"""For a dense one: chosen on validation of games, one seed, before the residual form. These are the defaults
of `build_refined`, so that `refined-warm` and `refined-paper` are one run twice: one of them is enough."""

OFFICE = DatasetPlan(
    name="office",
    folder="amazon-office",
    scores="amazon-office",
    text=("title", "brand", "description"),
    attributes=22,
    text_beside=16,
    hindsight=("popularity", "brand_prestige"),
    dim=64,
    length=50,
    trials=_grid((0.3, 0.4, 0.5), (2e-3, 3e-3)),
    schedules={
        "sasrec": Schedule(epochs=40, trial_epochs=None, patience=40),
        "gru4rec": Schedule(epochs=40, trial_epochs=None, patience=40, encoder={"hidden": 256}),
        "bert4rec": Schedule(
            epochs=200, trial_epochs=40, patience=200, training={"batch_size": 64, "masking": 0.3}
        ),
    },
    recipe=RESIDUAL,
)

GAMES = DatasetPlan(
    name="games",
    folder="games",
    scores="games",
    text=("title",),
    attributes=28,
    text_beside=12,
    hindsight=("popularity",),
    dim=64,
    length=50,
    trials=({"dropout": 0.3, "learning_rate": 2e-3},),  # one run takes minutes: nothing is tuned here
    schedules={
        "sasrec": Schedule(epochs=20, trial_epochs=None, patience=20),
        "gru4rec": Schedule(epochs=20, trial_epochs=None, patience=20, encoder={"hidden": 256}),
        "bert4rec": Schedule(epochs=80, trial_epochs=None, patience=80, training={"masking": 0.3}),
    },
    recipe=PLAIN,
)

ML_1M = DatasetPlan(
    name="ml-1m",
    folder="ml-1m",
    scores="films",
    text=("title", "genres", "director", "actors", "plot"),
    attributes=24,
    text_beside=16,
    hindsight=("critical_acclaim", "mainstream_popularity", "cult_following"),
    dim=64,
    length=100,
    trials=({"dropout": 0.2, "learning_rate": 2e-3},),  # one run takes ten minutes: nothing is tuned here
    schedules={
        "sasrec": Schedule(epochs=45, trial_epochs=None),
        "gru4rec": Schedule(epochs=45, trial_epochs=None),
        "bert4rec": Schedule(epochs=180, trial_epochs=None),
    },
    recipe=PLAIN,
)

_FIRST = ("base-plain", "base", "refined", "permuted")
_OTHERS = ("base-plain", "base", "refined", "permuted")

PLAN = Plan(
    datasets={dataset.name: dataset for dataset in (OFFICE, GAMES, ML_1M)},
    blocks=(
        Block("office", "sasrec", _FIRST),
        Block("games", "sasrec", ("base-plain", "base", "refined"), seeds=(1,)),
        Block("office", "sasrec", ("text",)),
        Block("ml-1m", "sasrec", ("base", "refined"), seeds=(1,)),
        Block("games", "sasrec", ("base-warm", "refined-warm", "refined-paper"), seeds=(1,)),
        Block("office", "sasrec", ("base-warm", "refined-warm", "refined-paper", "base-2d", "no-hindsight")),
        Block("ml-1m", "sasrec", ("base-warm", "refined-warm", "base-2d"), seeds=(1,)),
        Block("games", "sasrec", ("text-warm", "permuted-warm", "text", "permuted", "base-2d"), seeds=(1,)),
        Block("office", "gru4rec", _OTHERS),
        Block("office", "sasrec", ("random", "guided-alone", "text+guided")),
        Block("games", "sasrec", ("no-hindsight", "random", "guided-alone", "text+guided"), seeds=(1,)),
        Block("office", "bert4rec", _OTHERS, seeds=(1,)),
        Block("games", "gru4rec", _OTHERS, seeds=(1,)),
        Block("games", "bert4rec", _OTHERS, seeds=(1,)),
    ),
)
