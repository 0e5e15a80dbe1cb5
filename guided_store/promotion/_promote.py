"""Moving an alias through gates: judge, decide, and move it only if it still stands where it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guided_store import __version__
from guided_store.beyond import load_categories
from guided_store.catalogue import Split, leave_one_out, load_sequences, time_split
from guided_store.comparison import Candidate, judge_versions, split_facts
from guided_store.encoders import read_manifest, trained_repeats
from guided_store.errors import UsageError, VersionError
from guided_store.evaluation import LEVEL, LIST, REPLICATES, Cases, Part, Repeats
from guided_store.progress import SILENT, Progress
from guided_store.promotion._check import Verdict, check_gates
from guided_store.promotion._gates import OTHER, Gate, parse_gate
from guided_store.scoring import attributes_of
from guided_store.store import Store, writing
from guided_store.versions import (
    Alias,
    Ref,
    VersionInfo,
    get_version,
    list_aliases,
    plan_alias,
    resolve,
    set_alias,
)

_NEED_ATTRIBUTES = ("diversity", "miscalibration")
_NEED_CATEGORIES = ("divergence",)


@dataclass(frozen=True)
class Promotion:
    """What was asked, what was found, and whether the alias moved.

    Attributes:
        alias: its name.
        version: what it was to point to; `against`: the other side of the gates, None where none was needed.
        previous: where it pointed before, None where nowhere.
        verdicts: one per gate, in order.
        split: kind, digest, part and size of what was judged, see `split_facts`.
        digests: version -> content digest, of all that were judged.
        warnings: why figures may flatter a version.
        forced: whether it moved although a gate was refused.
        moved: the alias as it was set, None where it stays.
        level, replicates, seed: of the intervals.
    """

    alias: str
    version: Ref
    against: Ref | None
    previous: Ref | None
    verdicts: tuple[Verdict, ...]
    split: Mapping[str, object]
    digests: Mapping[str, str]
    warnings: tuple[str, ...]
    forced: bool
    moved: Alias | None
    level: float = LEVEL
    replicates: int = REPLICATES
    seed: int = 0

    @property
    def passed(self) -> bool:
        """Whether every gate holds."""
        return all(verdict.held for verdict in self.verdicts)

    @property
    def refused(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.held)

    def evidence(self) -> dict[str, object]:
        """What is kept with the alias, JSON-serialisable."""
        return {
            "against": None if self.against is None else str(self.against),
            "previous": None if self.previous is None else str(self.previous),
            "passed": self.passed,
            "forced": self.forced,
            "gates": [verdict.to_dict() for verdict in self.verdicts],
            "split": {key: value for key, value in self.split.items() if key != "notes"},
            "digests": dict(self.digests),
            "warnings": list(self.warnings),
            "intervals": {"level": self.level, "replicates": self.replicates, "seed": self.seed},
            "package": __version__,
        }

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable, always the same keys."""
        return {
            "alias": self.alias,
            "version": str(self.version),
            "moved": self.moved is not None,
            **self.evidence(),
        }


def split_of_training(store: Store, ref: str | Ref) -> Split:
    """The split that a version was trained on, made again from the store's events.

    Raises:
        UsageError: it was trained on everything, on a split at a chosen time, or on events that have changed
            since; the sentence says how to name a split.
    """
    training = read_manifest(store, ref)[0].training
    kind, digest = str(training.get("split_kind", "none")), str(training.get("split", ""))
    if kind == "none":
        raise UsageError(
            f"{ref} was trained on all events, so that none is left to judge it by; promote a version that "
            "was trained with --split loo or time, or move the alias without gates"
        )
    sequences = load_sequences(store)
    split = time_split(sequences) if kind == "time" else leave_one_out(sequences)
    if split.digest != digest:
        why = "at a time of its own, or before events came in" if kind == "time" else "before events came in"
        how = "--split time --at TIME" if kind == "time" else "--split loo"
        raise UsageError(
            f"the split that {ref} was trained on ({kind}, {digest[:12]}) cannot be made again, it was made "
            f"{why}; name the one to judge by: {how}"
        )
    return split


def promote(
    store: Store,
    alias: str,
    version: str | Ref,
    gates: Sequence[str],
    *,
    against: str | Ref | None = None,
    attributes: str | Ref | None = None,
    split: Split | None = None,
    part: Part = "test",
    repeats: Repeats | None = None,
    index: str | None = None,
    force: bool = False,
    wait: float = 0.0,
    progress: Progress = SILENT,
) -> Promotion:
    """Judge a version by gates and, where all hold, point an alias at it; else the alias stays.

    The figures are kept with the alias, see `Alias.evidence`. The store is locked for the moment of moving
    only.

    Args:
        store: an open store, for reading or writing.
        alias: what is to move.
        version: where to.
        gates: sentences, see `_gates`; at least one.
        against: the other side, `base` or `current` in a gate; by default what the alias points to now.
        attributes: the version whose scores diversity and calibration are measured in; by default the guided
            one that `version`, or else another that is judged, was made from.
        split: which events; by default those that `version` was trained without, see `split_of_training`.
        part: "test", or "validation", which training has chosen its epoch by.
        repeats: as in `Cases`; by default as the versions were trained.
        index: as in `set_alias`.
        force: move it although gates are refused; the evidence says so.
        wait: seconds to wait for another writer.
        progress: where to report.

    Raises:
        UsageError: no gate or one that cannot be read, an alias that points nowhere where a gate needs the
            other side, a version without an encoder, or as `split_of_training` and `set_alias`.
        VersionError: no such version; or the alias moved, or a version changed, while this was judged.
        EncoderError: as `load_scorer`.
        StoreLockedError: another process writes for longer than `wait`.
    """
    if not gates:
        raise UsageError("there is no gate to judge by; write one such as 'ndcg@10 >= current - 0.5%'")
    parsed = [parse_gate(text) for text in gates]
    ref = plan_alias(store, alias, version, index=index).version
    before = {row.name: row for row in list_aliases(store)}.get(alias)
    previous = None if before is None else before.version
    other = resolve(store, against)[0] if against is not None else previous
    sides = [_side(store, gate, other, alias) for gate in parsed]
    rows = {side: get_version(store, side) for side in dict.fromkeys([ref, *sides]) if side is not None}
    cases = Cases(split or split_of_training(store, ref), part, repeats or trained_repeats(store, rows))
    longest = max([LIST, *(gate.k for gate in parsed if gate.measure and gate.k is not None)])
    candidates = [Candidate(str(side), (side,)) for side in rows]
    judged = judge_versions(store, candidates, cases, k=longest, progress=progress)
    items = cases.sequences.item_ids
    asked = {gate.metric for gate in parsed}
    verdicts = check_gates(
        [(gate, None if side is None else str(side)) for gate, side in zip(parsed, sides, strict=True)],
        str(ref),
        {label: runs[0] for label, runs in judged.versions.items()},
        cases,
        attributes=attributes_of(store, attributes and resolve(store, attributes)[0], rows, items)
        if asked.intersection(_NEED_ATTRIBUTES)
        else None,
        categories=load_categories(store, items) if asked.intersection(_NEED_CATEGORIES) else None,
    )
    held = all(verdict.held for verdict in verdicts)
    result = Promotion(
        alias=alias,
        version=ref,
        against=other if any(side is not None and side == other for side in sides) else None,
        previous=previous,
        verdicts=verdicts,
        split=split_facts(cases),
        digests={str(side): info.digest for side, info in rows.items()},
        warnings=judged.warnings,
        forced=force and not held,
        moved=None,
    )
    if not held and not force:
        return result
    with writing(store, wait) as opened:
        _need_unchanged(opened, alias, before, rows)
        moved = set_alias(opened, alias, ref, index=index, evidence=result.evidence())
    return Promotion(**{**vars(result), "moved": moved})


def _side(store: Store, gate: Gate, other: Ref | None, alias: str) -> Ref | None:
    if gate.side is None:
        return None
    if gate.side not in OTHER:
        return resolve(store, gate.side)[0]
    if other is None:
        raise UsageError(
            f"the gate {gate.text!r} needs another side, and the alias {alias} points nowhere yet; name one "
            "with --against VERSION, or ask for a number"
        )
    return other


def _need_unchanged(store: Store, alias: str, before: Alias | None, rows: Mapping[Ref, VersionInfo]) -> None:
    """Judging takes minutes, without the lock: what was judged must still be what is there."""
    now = {row.name: row for row in list_aliases(store)}.get(alias)
    if now != before:
        where = "points nowhere" if now is None else f"points to {now.version}"
        raise VersionError(f"the alias {alias} was moved while this was judged and {where} now; judge again")
    for ref, info in rows.items():
        if get_version(store, ref).digest != info.digest:
            raise VersionError(f"{ref} was replaced while it was judged; judge it again")
