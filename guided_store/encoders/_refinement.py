"""What training adds to a refined version's recipe, so that later items can be given vectors by it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders._cold import Settler
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._start import Items

_OF_ONE_RUN = ("form", "residual_map", "cold_map", "cold_bias", "cold_items")
"""Keys that a run writes anew: those of the version it started from say nothing of its own columns."""


def without_run(recipe: dict[str, Any]) -> dict[str, Any]:
    """A parent's recipe less what its own training said; the calibration stays, as its columns do."""
    return {key: value for key, value in recipe.items() if key not in _OF_ONE_RUN}


def describe_refinement(
    start: Items, model: SequenceModel, table: ItemTable, settler: Settler
) -> dict[str, object]:
    """Form, maps, calibration and cold bias of a trained refined version, JSON-serialisable.

    Keys: `form` ("plain" or "residual"); `residual_map` (k, F) or `cold_map` (k, F + 1), from content to
    learned columns, neither where there are none of these; `cold_bias`; `cold_items`, how many items had no
    training event; `calibration`, a list of {"knots", "slopes"} (see `apply_calibration`), to be applied one
    after another to the scaled attribute columns.

    Args:
        start: what the run started from.
        model, table: what it ended at, on the CPU.
        settler: of the table, settled.
    """
    recipe: dict[str, object] = {
        "form": "plain" if model.residual is None else "residual",
        "cold_bias": settler.bias(),
        "cold_items": 0 if table.seen is None else int((~table.seen).sum()),
    }
    if model.residual is not None:
        recipe["residual_map"] = _listed(model.residual.weight.detach().numpy())
    elif table.latent.shape[1]:
        recipe["cold_map"] = _listed(settler.map())
    if table.calibration is not None:
        assert start.parent is not None
        before = cast("list[object]", start.parent.info.recipe.get("calibration", []))
        learned = {
            "knots": _listed(table.calibration.knots.numpy()),
            "slopes": _listed(table.calibration.slopes.detach().numpy()),
        }
        recipe["calibration"] = [*before, learned]
    return recipe


def _listed(values: NDArray[np.floating]) -> list[list[float]]:
    """Rows of numbers with nine digits, by which every float32 is read back as it was."""
    return [[float(f"{value:.9g}") for value in row] for row in values]
