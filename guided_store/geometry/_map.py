"""A map of the catalogue: item vectors in two dimensions, to be looked at and not measured on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.versions import Embedding
from guided_store.wording import counted

MAP_ITEMS = 3000
"""Items on a map at most: more hide each other, and t-SNE takes minutes."""

Method = Literal["pca", "tsne"]


@dataclass(frozen=True)
class CatalogueMap:
    """Items as points.

    Attributes:
        version: "kind/name" of the vectors.
        method: how they were projected.
        items: items that could have been shown.
        item_ids: those that are, n of them, in the version's order.
        points: float32 (n, 2), centred; distances have no unit.
        explained: share of the variance that each of the two axes carries, before any turning onto another
            map; None for t-SNE, whose axes mean nothing.
    """

    version: str
    method: Method
    items: int
    item_ids: tuple[str, ...]
    points: NDArray[np.float32]
    explained: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys; points as pairs."""
        return {**asdict(self), "item_ids": list(self.item_ids), "points": self.points.tolist()}


def catalogue_map(
    embedding: Embedding,
    *,
    method: Method = "pca",
    sample: int = MAP_ITEMS,
    among: Collection[str] | None = None,
    onto: CatalogueMap | None = None,
    seed: int = 0,
) -> CatalogueMap:
    """Project item vectors, each brought to length 1, to two dimensions, so that near means alike by cosine.

    PCA shows the two directions of most variance, with a sign fixed so that a version has one map. t-SNE (van
    der Maaten and Hinton, Journal of Machine Learning Research 9, 2008) keeps neighbours together instead,
    while sizes of and distances between groups mean nothing; it begins from PCA, with a fixed seed.

    Args:
        embedding: the version.
        method: "pca", or "tsne", which needs scikit-learn (the extra `text`).
        sample: items to show at most, drawn without replacement by `seed`; those on `onto` come first.
        among: ids of the items that may be shown; None for all. Vectors of length 0 never are.
        onto: another version's map, to be turned, mirrored and scaled as close to as the items of both
            allow (orthogonal Procrustes: Schönemann, Psychometrika 31, 1966), so that two maps read alike.

    Raises:
        UsageError: fewer than 3 items to show, an unknown method, no scikit-learn, or fewer than 3 items on
            both maps.
    """
    if method not in ("pca", "tsne"):
        raise UsageError(f"a map is drawn by pca or tsne, not {method!r}")
    length = np.linalg.norm(embedding.vectors.astype(np.float64), axis=1)
    shown = length > 0
    if among is not None:
        wanted = frozenset(among)
        shown &= np.fromiter((item in wanted for item in embedding.item_ids), bool, len(shown))
    rows = np.flatnonzero(shown)
    if len(rows) < 3 or sample < 3:
        raise UsageError(f"a map needs 3 items or more: {embedding.ref} has {min(len(rows), sample)} to show")
    total = len(rows)
    if total > sample:
        drawn = np.random.default_rng(seed).permutation(rows)
        there = frozenset(onto.item_ids if onto is not None else ())
        elsewhere = np.fromiter((embedding.item_ids[row] not in there for row in drawn.tolist()), bool, total)
        rows = np.sort(drawn[np.argsort(elsewhere, kind="stable")[:sample]])
    unit = embedding.vectors[rows] / length[rows, None]
    points, explained = _principal(unit)
    if method == "tsne":
        points, explained = _neighbourly(unit, points, seed), None
    ids = tuple(embedding.item_ids[row] for row in rows.tolist())
    found = CatalogueMap(str(embedding.ref), method, total, ids, points.astype(np.float32), explained)
    return found if onto is None else _turned(found, onto)


def _principal(unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float] | None]:
    centred = unit - unit.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    # An axis and its mirror image serve alike: the largest entry is made positive.
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    points = centred @ axes
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(len(points))])
    whole = float(values.sum())
    share = [float(value) / whole if whole > 0 else 0.0 for value in (*values[::-1][:2], 0.0)]
    return points, (share[0], share[1])


def _neighbourly(unit: NDArray[np.float64], start: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    try:
        manifold = import_module("sklearn.manifold")
    except ImportError as error:
        raise UsageError(
            'a t-SNE map needs scikit-learn: pip install "guided-store[text]", or draw it by pca'
        ) from error
    # The usual start: PCA of a spread of 1e-4, so that it decides the layout and not the distances.
    begin = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
    model = manifold.TSNE(perplexity=min(30.0, (len(unit) - 1) / 3), init=begin, random_state=seed, n_jobs=1)
    points = np.asarray(model.fit_transform(unit.astype(np.float32)), np.float64)
    centred: NDArray[np.float64] = points - points.mean(axis=0)
    return centred


def _turned(found: CatalogueMap, onto: CatalogueMap) -> CatalogueMap:
    place = {item: row for row, item in enumerate(onto.item_ids)}
    here = [row for row, item in enumerate(found.item_ids) if item in place]
    if len(here) < 3:
        raise UsageError(
            f"the maps of {found.version} and {onto.version} have {counted(len(here), 'item')} in common: "
            "turning one onto the other needs 3 or more"
        )
    mine = found.points[here].astype(np.float64)
    theirs = onto.points[[place[found.item_ids[row]] for row in here]].astype(np.float64)
    middle, target = mine.mean(axis=0), theirs.mean(axis=0)
    left, strength, right = np.linalg.svd((mine - middle).T @ (theirs - target))
    spread = float(((mine - middle) ** 2).sum())
    turn = left @ right * (float(strength.sum()) / spread if spread > 0 else 1.0)
    return replace(found, points=((found.points - middle) @ turn + target).astype(np.float32))
