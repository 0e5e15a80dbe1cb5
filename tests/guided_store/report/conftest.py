"""A whole comparison of made versions: every section computed by its own room, no model behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from guided_store.beyond import beyond_accuracy
from guided_store.catalogue import Sequences, Split, Targets
from guided_store.comparison import Compared, Comparison, compare_accuracy, split_facts
from guided_store.evaluation import Cases, Estimate, Judgement
from guided_store.fairness import audit
from guided_store.geometry import catalogue_map, geometry_section
from guided_store.interpretation import Interpretation, Interpretations, VarianceShares
from guided_store.scoring import AttributeTable
from guided_store.versions import Embedding, Ref, VersionInfo

ITEMS, USERS, DEPTH = 60, 120, 20
ATTRIBUTES = ("humor", "darkness", "pace")
MADE = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)

HOSTILE = "<script>alert('x')</script> & \"$x^2$\" #1467a8"
"""A title that would be a tag, a formula and a colour if it were not taken as text."""


def made_info(ref: str, parents: tuple[str, ...] = (), **recipe: object) -> VersionInfo:
    kind, name = ref.split("/")
    return VersionInfo(
        Ref(kind, name), 1, 8, ITEMS, parents, dict(recipe), hashlib.sha256(ref.encode()).hexdigest(), MADE
    )


def made_cases(seed: int = 0) -> Cases:
    random = np.random.default_rng(seed)
    lengths = random.integers(4, 16, USERS)
    chance = 1 / np.arange(1, ITEMS + 1)
    items = random.choice(ITEMS, lengths.sum(), p=chance / chance.sum()).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    users = tuple(f"u{row}" for row in range(USERS))
    sequences = Sequences(users, tuple(f"i{code}" for code in range(ITEMS)), indptr, items)
    ends = (lengths - 1).astype(np.int64)
    none = np.zeros(0, np.int64)
    split = Split("leave-one-out", sequences, ends, Targets(none, none), Targets(np.arange(USERS), ends))
    return Cases(split)


def made_judgement(cases: Cases, label: str, lift: float, seed: int) -> Judgement:
    """Random scores, with `lift` on the target: ranks and lists that agree with each other."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(len(cases), ITEMS)).astype(np.float32)
    rows = np.arange(len(cases))
    scores[rows, cases.wanted] += np.float32(lift)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = 1.0 + np.argmax(order == cases.wanted[:, None], axis=1)
    ranks[0] = np.inf  # a target that the version does not know
    return Judgement(label, ranks, order[:, :DEPTH].astype(np.int32), -np.sort(-scores, axis=1)[:, :DEPTH])


def made_interpretation(label: str, attributes: tuple[str, ...]) -> Interpretation:
    def estimate(value: float) -> Estimate:
        return Estimate(value, value - 0.02, value + 0.03)

    shares = {name: estimate(0.1 * (number + 1)) for number, name in enumerate(attributes)}
    own = sum(share.value for share in shares.values())
    parts = {"attributes": estimate(own), "latent": estimate(0.95 - own), "bias": estimate(0.05)}
    variance = tuple(
        VarianceShares(among, 50, 60.0, parts, parts, shares, (0.1, 0.2, 0.3) if attributes else None)
        for among in ("all items", "best 100")
    )
    return Interpretation(label, 50, 10, variance, None, None)


def build_comparison(
    labels: tuple[str, ...] = ("base/old", "refined/new"),
    *,
    seeds: int = 1,
    sections: bool = True,
    title: str = "Alien",
) -> Comparison:
    cases = made_cases()
    random = np.random.default_rng(7)
    judged = {
        label: [made_judgement(cases, label, 1.0 + 0.5 * place, 10 * place + run) for run in range(seeds)]
        for place, label in enumerate(labels)
    }
    titles = {item: f"{title} {item}" for item in cases.sequences.item_ids}
    scores = made_info("guided/scores", method="import")
    lineage: list[VersionInfo] = []
    versions: list[Compared] = []
    embeddings: dict[str, list[Embedding]] = {}
    for label in labels:
        embeddings[label] = []
        for run in range(seeds):
            kind, name = label.split("/")
            ref = f"{kind}/{name}" if seeds == 1 else f"{kind}/{name}-s{run}"
            info = made_info(ref, ("guided/scores", "base/gone"), method="residual", note=title, seed=run)
            lineage.append(info)
            versions.append(Compared(label, info, "e" * 64, run))
            vectors = random.normal(size=(ITEMS, 8)).astype(np.float32)
            embeddings[label].append(Embedding(info, cases.sequences.item_ids, vectors))
    raw = random.integers(0, 11, (ITEMS, len(ATTRIBUTES))).astype(np.float32)
    table = AttributeTable(Ref("guided", "scores"), ATTRIBUTES, raw)
    plain = Comparison(
        accuracy=compare_accuracy(judged, cases, titles=titles, replicates=50),
        versions=tuple(versions),
        lineage=(*lineage, scores),
        split=split_facts(cases),
        machine={"guided-store": "0.1.0", "cores": "2"},
        seconds={"judging": 1.25},
        warnings=("refined/new was trained on another split",),
        created=MADE,
        cases=cases,
        judged=judged,
        titles=titles,
        attributes=table,
    )
    if not sections:
        return plain
    groups = {"gender": ["F" if row % 3 else "M" for row in range(USERS)]}
    first = {label: found[0] for label, found in embeddings.items()}
    return replace(
        plain,
        beyond=beyond_accuracy(judged, cases, attributes=table, replicates=50),
        fairness=audit(judged, cases, user_groups=groups, attributes=table, replicates=50, least=20),
        geometry=geometry_section(judged, cases, embeddings, titles=titles, replicates=50),
        maps={label: catalogue_map(found) for label, found in first.items()},
        interpretation=Interpretations(
            {
                label: tuple(made_interpretation(label, ATTRIBUTES if place else ()) for _ in range(seeds))
                for place, label in enumerate(labels)
            },
            {},
        ),
    )


@pytest.fixture(scope="session")
def make_comparison() -> Callable[..., Comparison]:
    return build_comparison


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """Two single models with every section."""
    return build_comparison()


@pytest.fixture(scope="session")
def hostile() -> tuple[Comparison, str]:
    """The same with a title that tries everything, and that title."""
    return build_comparison(title=HOSTILE), HOSTILE


@pytest.fixture(scope="session")
def make_info() -> Callable[..., VersionInfo]:
    return made_info
