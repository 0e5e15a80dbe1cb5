"""The fairness section of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain

from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL, REPLICATES, Cases, Judgement, average_seeds
from guided_store.fairness._accuracy import Gap, GroupAccuracy, group_accuracy
from guided_store.fairness._exposure import GroupExposure, group_exposure
from guided_store.fairness._groups import Grouping, Labels, make_grouping
from guided_store.fairness._lean import AttributeLean, attribute_lean
from guided_store.fairness._resampling import Resampling
from guided_store.fairness._standing import activity, attribute_bands, popularity, taste
from guided_store.scoring import AttributeTable

LEAST = 50
"""Users that a group needs for anything to be claimed of it."""


@dataclass(frozen=True)
class Fairness:
    """Who is served how well, and what is shown how often.

    Attributes:
        versions: labels, the reference first; seeds: runs of each.
        k: length of the lists; metrics: names, the first one leads.
        least: users that a group needs; level, replicates: of the intervals, which are over users.
        attributes: version of the raw scores, "" without any.
        users: accuracy by group of users; user_gaps: between them.
        exposure: by group of items; targets: the first metric for targets of each group; target_gaps:
            between them.
        lean: by attribute, the largest changes first.
    """

    versions: tuple[str, ...]
    seeds: tuple[int, ...]
    k: int
    metrics: tuple[str, ...]
    least: int
    level: float
    replicates: int
    attributes: str
    users: tuple[GroupAccuracy, ...]
    user_gaps: tuple[Gap, ...]
    exposure: tuple[GroupExposure, ...]
    targets: tuple[GroupAccuracy, ...]
    target_gaps: tuple[Gap, ...]
    lean: tuple[AttributeLean, ...]

    @property
    def reference(self) -> str:
        return self.versions[0]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        found: dict[str, object] = {
            **asdict(self),
            "exposure": [{**asdict(row), "favoured": row.favoured} for row in self.exposure],
        }
        return found


def audit(
    judged: Mapping[str, Sequence[Judgement]],
    cases: Cases,
    *,
    user_groups: Mapping[str, Labels] | None = None,
    item_groups: Mapping[str, Labels] | None = None,
    attributes: AttributeTable | None = None,
    k: int = 10,
    least: int = LEAST,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> Fairness:
    """Compare versions by what they do for groups of users and of items.

    Users are always divided by activity and by taste (niche to mainstream), items by popularity, and by
    every attribute where there are raw scores. Measures and terms follow Ekstrand, Das, Burke and Diaz,
    "Fairness in information access systems" (2022); see `GroupAccuracy`, `Gap`, `GroupExposure` and
    `AttributeLean`.

    Args:
        judged: label -> one judgement per seed, the reference first.
        cases: what was judged.
        user_groups: name -> groups over `cases.sequences.user_ids`, see `user_columns` and `make_grouping`.
        item_groups: name -> groups over `cases.sequences.item_ids`.
        attributes: raw scores over the vocabulary, or None.
        k: length of the lists, and cut-off of Recall and NDCG.
        least: users that a group needs; smaller ones are named, and nothing is claimed of them.
        replicates, level, seed: of the bootstrap over users.

    Raises:
        UsageError: nothing to compare, judgements or groups of another number of rows, lists shorter than
            `k`.
    """
    _check(judged, cases, k, least)
    by_user = _groupings(user_groups, cases.sequences.n_users, "user")
    by_item = _groupings(item_groups, cases.sequences.n_items, "item")
    if attributes is not None and len(attributes.raw) != cases.sequences.n_items:
        raise UsageError(
            f"there are scores of {len(attributes.raw):,} items for a vocabulary of "
            f"{cases.sequences.n_items:,}: load them with its item ids"
        )
    bands = [] if attributes is None else attribute_bands(attributes)
    users = _named_apart([activity(cases), taste(cases)], [one.of(cases.users) for one in by_user], "column")
    items = _named_apart([popularity(cases)], by_item, "column")
    items = _named_apart(items, bands, "attribute")
    metrics = (f"ndcg@{k}", f"recall@{k}", "mrr")
    values = {}
    for label, runs in judged.items():
        found = average_seeds([run.ranks for run in runs], (k,))
        values[label] = {metric: found[metric] for metric in metrics}
    lists = {label: [run.items[:, :k] for run in runs] for label, runs in judged.items()}
    resampling = Resampling(cases.users, replicates, level, seed)
    user_rows, user_gaps = group_accuracy(users, values, resampling, least)
    # There are many groups of items: one metric of them says enough, and takes a third of the time.
    leading = {label: {metrics[0]: found[metrics[0]]} for label, found in values.items()}
    target_rows, target_gaps = group_accuracy(
        [one.of(cases.wanted) for one in items], leading, resampling, least
    )
    return Fairness(
        versions=tuple(judged),
        seeds=tuple(len(runs) for runs in judged.values()),
        k=k,
        metrics=metrics,
        least=least,
        level=level,
        replicates=replicates,
        attributes="" if attributes is None else str(attributes.source),
        users=tuple(user_rows),
        user_gaps=tuple(user_gaps),
        exposure=tuple(group_exposure(items, lists, cases, resampling, least)),
        targets=tuple(target_rows),
        target_gaps=tuple(target_gaps),
        lean=() if attributes is None else tuple(attribute_lean(attributes, lists, cases, resampling)),
    )


def _groupings(groups: Mapping[str, Labels] | None, rows: int, what: str) -> list[Grouping]:
    found = [make_grouping(name, values) for name, values in (groups or {}).items()]
    for grouping in found:
        if len(grouping.member) != rows:
            raise UsageError(
                f"the groups of {grouping.name!r} are of {len(grouping.member):,} {what}s, and there are "
                f"{rows:,}"
            )
    return found


def _named_apart(taken: Sequence[Grouping], others: Sequence[Grouping], what: str) -> list[Grouping]:
    """All groupings; one of `others` that has the name of one that is `taken` says what it is of."""
    names = {one.name for one in taken}
    return [
        *taken,
        *(replace(one, name=f"{one.name} ({what})") if one.name in names else one for one in others),
    ]


def _check(judged: Mapping[str, Sequence[Judgement]], cases: Cases, k: int, least: int) -> None:
    if not judged or not all(judged.values()):
        raise UsageError("there is no judgement to look at: judge at least one version")
    if k < 1 or least < 2:
        raise UsageError(f"lists need 1 item or more and groups 2 users or more, not {k} and {least}")
    for run in chain(*judged.values()):
        if len(run.ranks) != len(cases):
            raise UsageError(
                f"{run.name} was judged on {len(run.ranks):,} cases and there are {len(cases):,}: only "
                "versions on one split can be compared"
            )
        if run.items.shape[1] < min(k, cases.sequences.n_items):
            raise UsageError(f"the lists of {run.name} have {run.items.shape[1]} places, and k is {k}")
