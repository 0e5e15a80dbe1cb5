"""What differs between two versions: rows, recipe, training, content and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.store import Store
from guided_store.versions._embedding import Embedding, load_embedding
from guided_store.versions._names import Ref
from guided_store.versions._registry import VersionInfo

_WENT = ("history", "validation", "encoder")
"""Parts of an encoder's record of its training that are told elsewhere: how it went, and the shape."""

_MISSING = object()


@dataclass(frozen=True)
class Change:
    """One setting: `before` in the first version, `after` in the second; `state` says which have it.

    Attributes:
        field: its path, "training.encoder.dim".
        state: "changed", "added" (the second alone has it) or "removed".
        before, after: JSON values, None where a side has none.
    """

    field: str
    state: str
    before: object
    after: object

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return dict(vars(self))


@dataclass(frozen=True)
class Content:
    """How much of two versions' numbers is the same, bit by bit, over the items that both have.

    Attributes:
        items: how many both have.
        rows: vectors that are the same in all columns; None where the dimensions differ.
        columns: columns that are the same for all these items; None where the dimensions differ.
        bias: biases that are the same; None where a version has none.
        raw: attribute scores that are the same, of attributes that both have, NaN equal to NaN; None where a
            version keeps none.
        scores: how many attribute scores were compared, None where `raw` is.
    """

    items: int
    rows: int | None
    columns: int | None
    bias: int | None
    raw: int | None
    scores: int | None


@dataclass(frozen=True)
class Diff:
    """Two versions side by side.

    Attributes:
        a, b: their registry rows.
        added: ids that only `b` has, in its order; `removed`: that only `a` has.
        same_order: whether the items that both have stand in the same order.
        parents: ("added" | "removed", version).
        recipe: fields of the recipe, without `training`; `training`: what was trained and how, from the
            encoder's record, its shape under "encoder"; all sorted by field.
        trained: whether `a` and `b` have a record of training.
        attributes_added, attributes_removed: attribute columns by name.
        content: see `Content`.
        metrics: figure -> (of `a`, of `b`), None where a version has none.
    """

    a: VersionInfo
    b: VersionInfo
    added: tuple[str, ...]
    removed: tuple[str, ...]
    same_order: bool
    parents: tuple[tuple[str, str], ...]
    recipe: tuple[Change, ...]
    training: tuple[Change, ...]
    trained: tuple[bool, bool]
    attributes_added: tuple[str, ...]
    attributes_removed: tuple[str, ...]
    content: Content
    metrics: Mapping[str, tuple[float | None, float | None]]

    @property
    def same_content(self) -> bool:
        """Whether both hold the same ids and numbers: their digests are one."""
        return self.a.digest == self.b.digest

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form, always the same keys."""
        return {
            "a": _told(self.a),
            "b": _told(self.b),
            "same_content": self.same_content,
            "items": {
                "both": self.content.items,
                "added": list(self.added),
                "removed": list(self.removed),
                "same_order": self.same_order,
            },
            "parents": [{"state": state, "version": name} for state, name in self.parents],
            "recipe": [change.to_dict() for change in self.recipe],
            "trained": list(self.trained),
            "training": [change.to_dict() for change in self.training],
            "attributes": {"added": list(self.attributes_added), "removed": list(self.attributes_removed)},
            "identical": dict(vars(self.content)),
            "metrics": {name: list(pair) for name, pair in self.metrics.items()},
        }


def diff_versions(store: Store, a: str | Ref, b: str | Ref) -> Diff:
    """Compare two versions of any kinds; reads both whole, and checks their digests.

    Raises:
        VersionError, DigestMismatchError, StoreError: as `load_embedding`.
    """
    one, two = load_embedding(store, a), load_embedding(store, b)
    rows = np.fromiter((two.item_index.get(item, -1) for item in one.item_ids), np.int64, len(one.item_ids))
    both = rows >= 0
    left, right = np.flatnonzero(both), rows[both]
    first, second = one.info, two.info
    trainings = _training(store, first), _training(store, second)
    return Diff(
        a=first,
        b=second,
        added=tuple(item for item in two.item_ids if item not in one.item_index),
        removed=tuple(one.item_ids[row] for row in np.flatnonzero(~both)),
        same_order=bool((np.diff(right) > 0).all()),
        parents=(
            *(("removed", name) for name in first.parents if name not in second.parents),
            *(("added", name) for name in second.parents if name not in first.parents),
        ),
        recipe=_changes(_recipe(first), _recipe(second)),
        training=_changes(*trainings),
        trained=(bool(trainings[0]), bool(trainings[1])),
        attributes_added=tuple(name for name in two.attributes if name not in one.attributes),
        attributes_removed=tuple(name for name in one.attributes if name not in two.attributes),
        content=_content(one, two, left, right),
        metrics={
            name: (_number(first.metrics.get(name)), _number(second.metrics.get(name)))
            for name in {**first.metrics, **second.metrics}
        },
    )


def _content(one: Embedding, two: Embedding, left: NDArray[np.int64], right: NDArray[np.int64]) -> Content:
    rows: int | None = None
    columns: int | None = None
    if one.info.dim == two.info.dim:
        same = one.vectors[left] == two.vectors[right]
        rows, columns = int(same.all(axis=1).sum()), int(same.all(axis=0).sum()) if len(left) else 0
    bias = None
    if one.bias is not None and two.bias is not None:
        bias = int((one.bias[left] == two.bias[right]).sum())
    raw: int | None = None
    scores: int | None = None
    if one.raw is not None and two.raw is not None:
        shared = [name for name in one.attributes if name in two.attributes]
        ours = one.raw[left][:, [one.attributes.index(name) for name in shared]]
        theirs = two.raw[right][:, [two.attributes.index(name) for name in shared]]
        raw = int(((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).sum())
        scores = ours.size
    return Content(len(left), rows, columns, bias, raw, scores)


def _recipe(info: VersionInfo) -> dict[str, object]:
    """What someone chose; how training went stands beside it."""
    return {key: value for key, value in info.recipe.items() if key not in {"training", "seconds"}}


def _training(store: Store, info: VersionInfo) -> dict[str, object]:
    """How a version was trained: the record beside its encoder, else what its recipe says of it."""
    path = store.artifact("encoders", str(info.ref)) / "encoder.json"
    found: object
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = {"encoder": record["config"]} | {
            key: value for key, value in record["training"].items() if key not in _WENT
        }
    except FileNotFoundError:
        found = info.recipe.get("training")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # `doctor` says what is wrong with it
        found = {"encoder": "its record cannot be read"}
    return found if isinstance(found, dict) else {}


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Change, ...]:
    ours, theirs = dict(_flat(before)), dict(_flat(after))
    found = []
    for field in sorted({*ours, *theirs}):
        one, two = ours.get(field, _MISSING), theirs.get(field, _MISSING)
        if one is _MISSING:
            found.append(Change(field, "added", None, two))
        elif two is _MISSING:
            found.append(Change(field, "removed", one, None))
        elif one != two:
            found.append(Change(field, "changed", one, two))
    return tuple(found)


def _flat(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Every field that is no object, by its path; an empty object is a field."""
    found: list[tuple[str, object]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", value))
    return found


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _told(info: VersionInfo) -> dict[str, object]:
    return {
        "version": str(info.ref),
        "kind": info.ref.kind,
        "rows": info.rows,
        "dim": info.dim,
        "created": info.created.isoformat(),
        "digest": info.digest,
        "parents": list(info.parents),
        "package": info.package,
    }
