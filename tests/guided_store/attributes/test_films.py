"""The bundled films."""

from __future__ import annotations

import numpy as np
import pytest

from guided_store.data import films


def test_every_film_is_complete() -> None:
    bundled = films()
    assert len(bundled) == len(set(bundled.ids)) == 3883
    assert bundled.scores.shape == (3883, len(bundled.schema))
    assert bundled.scores.dtype == np.float32
    assert bundled.scores.min() == 0
    assert bundled.scores.max() == 10
    assert bundled.years.min() == 1919
    assert bundled.years.max() == 2000
    assert all(title.strip() for title in bundled.titles)
    assert films() is bundled


def test_columns_are_in_the_schemas_order() -> None:
    bundled = films()
    heat = bundled.ids.index("6")
    assert bundled.titles[heat] == "Heat"
    assert bundled.years[heat] == 1995
    scores = dict(zip(bundled.schema.names, bundled.scores[heat].tolist(), strict=True))
    assert (scores["crime"], scores["humor"], scores["realism"]) == (10, 1, 6)


def test_shared_arrays_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        films().scores[0, 0] = 3
