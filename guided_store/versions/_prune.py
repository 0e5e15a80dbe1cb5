"""Which versions may go, and why the others stay; and removing them so that a kill does no harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from guided_store.errors import StoreError, UsageError, VersionError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store, octets
from guided_store.versions._names import TABLES, Ref, table_of
from guided_store.versions._needs import alias_needs, named_by, training_needs
from guided_store.versions._reclaim import data_files, reclaim, table_folder, unused_octets
from guided_store.versions._recovery import find_orphans
from guided_store.versions._registry import VersionInfo, get_version, list_versions, remove_row


@dataclass(frozen=True)
class Verdict:
    """What becomes of one version.

    Attributes:
        info: its registry row.
        goes: whether it is removed.
        reason: why it goes or stays.
        octets: bytes of its vectors, encoder and indexes that no other version shares.
    """

    info: VersionInfo
    goes: bool
    reason: str
    octets: int

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "version": str(self.info.ref),
            "created": self.info.created.isoformat(),
            "goes": self.goes,
            "reason": self.reason,
            "octets": self.octets,
        }


@dataclass(frozen=True)
class Orphan:
    """Something of no registered version: an encoder, an index, a tag, or old files of a table."""

    what: str
    octets: int


@dataclass(frozen=True)
class PrunePlan:
    """What `prune` would do.

    Attributes:
        verdicts: every version, oldest first.
        orphans: what an interrupted write or removal left; removed with the versions.
    """

    verdicts: tuple[Verdict, ...]
    orphans: tuple[Orphan, ...]

    @property
    def going(self) -> tuple[VersionInfo, ...]:
        return tuple(verdict.info for verdict in self.verdicts if verdict.goes)

    @property
    def octets(self) -> int:
        """Bytes that are expected to be free afterwards."""
        versions = sum(verdict.octets for verdict in self.verdicts if verdict.goes)
        return versions + sum(orphan.octets for orphan in self.orphans)

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "versions": [verdict.to_dict() for verdict in self.verdicts],
            "orphans": [dict(vars(orphan)) for orphan in self.orphans],
            "octets": self.octets,
        }


def plan_prune(
    store: Store,
    versions: Sequence[str | Ref] = (),
    *,
    older_than: timedelta | None = None,
    keep: int | None = None,
    now: datetime | None = None,
) -> PrunePlan:
    """Say of every version whether it goes, and why; changes nothing.

    A version goes where it was chosen and nothing that stays needs it. Chosen are those named, or without
    names all; of these, those older than `older_than`, and without the `keep` newest of each kind. Where
    nothing chooses, none is.

    Needed is a version that an alias points to, or pointed to before it moved last; that one that stays was
    made from or is read with; or that an unfinished training may start from. Its encoder and indexes stay
    with it.

    Args:
        store: an open store.
        versions: "kind/name", or a `Ref` of users.
        older_than: age of the youngest that may go.
        keep: how many of each kind stay for being the newest; 1 by default, 0 where versions are named.
        now: the time that age is counted to, UTC.

    Raises:
        UsageError: `keep` or `older_than` below 0.
        UnknownVersionError: a named version does not exist.
        VersionError: a named version is needed; the sentence says by what.
        StoreError: the registry is damaged or gone.
    """
    if (keep is not None and keep < 0) or (older_than is not None and older_than < timedelta(0)):
        raise UsageError("neither the number to keep nor an age can be below 0")
    everything = list_versions(store)
    left = find_orphans(store, everything)  # refuses where the registry is gone
    known = {str(info.ref): info for info in everything}
    named = dict.fromkeys(str(get_version(store, version).ref) for version in versions)
    chosen, otherwise = _chosen(everything, list(named), older_than, keep, now or datetime.now(UTC))
    needed = training_needs(store, known) | alias_needs(store)
    stays = {name: needed[name] for name in known if name in needed}
    waiting = [name for name in known if name not in chosen or name in stays]
    seen = set(waiting)
    while waiting:
        user = waiting.pop()
        for name in named_by(store, known[user], known):
            stays.setdefault(name, f"{user} needs it")
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    refused = [f"{name} stays: {stays[name]}" for name in named if name in stays]
    if refused:
        raise VersionError(f"{'; '.join(refused)}; nothing was removed")
    going = {name for name in known if name in chosen and name not in stays}
    sizes, unused = _sizes(store, everything, going)
    verdicts = tuple(
        Verdict(
            info,
            name in going,
            chosen[name] if name in going else stays.get(name, otherwise.get(name, "")),
            sizes[name],
        )
        for name, info in known.items()
    )
    orphans = [Orphan(f"{room} {name}", _artifact_octets(store, room, name)) for room, name in left]
    files = [Orphan(f"old files of table {kind}", size) for kind, size in unused.items() if size]
    return PrunePlan(verdicts, (*orphans, *files))


def prune(store: Store, plan: PrunePlan, progress: Progress = SILENT) -> int:
    """Remove what a plan says; returns the bytes freed, measured.

    Of each version, descendants first, the registry row goes first (from then on it does not exist), then its
    encoder, its indexes and its tag; the tables' files come last. A kill leaves at most parts of one version
    that does not exist, which the next opening for writing and the next prune remove; whatever stays is
    readable all the time.

    Args:
        store: open for writing since before the plan was made.
        plan: of `plan_prune`.
        progress: where to report.

    Raises:
        StoreError: the store is open for reading only, or damaged.
    """
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")
    before = _all_octets(store)
    with progress.task("removing versions", len(plan.going)) as task:
        for info in reversed(plan.going):
            _remove(store, info.ref)
            task.advance()
    everything = list_versions(store)
    for room, name in find_orphans(store, everything):
        _remove_orphan(store, room, name)
    for kind in TABLES:
        kept = [info for info in everything if info.ref.kind == kind]
        if store.has_table(table_of(kind)) and _unused(store, kind, kept):
            reclaim(store, kind, kept)
    return before - _all_octets(store)


def _chosen(
    everything: Sequence[VersionInfo],
    named: Sequence[str],
    older_than: timedelta | None,
    keep: int | None,
    now: datetime,
) -> tuple[dict[str, str], dict[str, str]]:
    """Version -> why it may go; and of the others why they were not chosen."""
    newest_first: dict[str, list[str]] = {}
    for info in reversed(everything):
        newest_first.setdefault(info.ref.kind, []).append(str(info.ref))
    least = keep if keep is not None else (0 if named else 1)
    chosen: dict[str, str] = {}
    otherwise: dict[str, str] = {}
    for info in everything:
        name = str(info.ref)
        if named and name not in named:
            otherwise[name] = "not named"
        elif not named and older_than is None and keep is None:
            otherwise[name] = "nothing needs it: it goes if you choose it"
        elif older_than is not None and now - info.created < older_than:
            otherwise[name] = "too young"
        elif newest_first[info.ref.kind].index(name) < least:
            which = "the newest" if least == 1 else f"one of the {least} newest"
            otherwise[name] = f"{which} of its kind"
        else:
            chosen[name] = "named, and nothing needs it" if named else "nothing needs it"
    return chosen, otherwise


def _sizes(
    store: Store, everything: Sequence[VersionInfo], going: set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes of each version alone, and of each table's files that belong to none."""
    sizes = {str(info.ref): 0 for info in everything}
    unused: dict[str, int] = {}
    for kind in TABLES:
        if not store.has_table(table_of(kind)):
            continue
        own = {
            str(info.ref): data_files(store, kind, info.table_version)
            for info in everything
            if info.ref.kind == kind
        }
        used = {name for files in own.values() for name in files}
        unused[kind] = unused_octets(store, kind, used)
        for ref, files in own.items():
            others = {name for other, names in own.items() if other != ref for name in names}
            sizes[ref] = unused_octets(store, kind, used - (files - others)) - unused[kind]
    for ref in sizes:
        sizes[ref] += octets(store.artifact("encoders", ref)) + octets(store.artifact("indexes", ref))
    return sizes, unused


def _unused(store: Store, kind: str, kept: Sequence[VersionInfo]) -> int:
    used = {name for info in kept for name in data_files(store, kind, info.table_version)}
    return unused_octets(store, kind, used)


def _remove(store: Store, ref: Ref) -> None:
    remove_row(store, ref)
    _remove_parts(store, ref)


def _remove_parts(store: Store, ref: Ref) -> None:
    store.remove_artifact("encoders", str(ref))
    store.remove_artifact("indexes", str(ref))
    if ref.name in store.tags(table_of(ref.kind)):
        store.untag(table_of(ref.kind), ref.name)


def _remove_orphan(store: Store, what: str, name: str) -> None:
    if what == "tag":
        kind, _, tag = name.partition("/")
        store.untag(table_of(kind), tag)
    elif what == "checkpoint":
        store.artifact("checkpoints", f"{name}.safetensors").unlink(missing_ok=True)
    else:
        store.remove_artifact(_ROOMS[what], name)


_ROOMS = {"encoder": "encoders", "index": "indexes"}


def _artifact_octets(store: Store, what: str, name: str) -> int:
    if what == "tag":
        return 0  # the files that it holds back are counted with the table
    if what == "checkpoint":
        return store.artifact("checkpoints", f"{name}.safetensors").stat().st_size
    return octets(store.artifact(_ROOMS[what], name))


def _all_octets(store: Store) -> int:
    folders = [table_folder(store, kind) for kind in TABLES]
    return sum(
        octets(folder) for folder in (*folders, *map(store.root.joinpath, (*_ROOMS.values(), "checkpoints")))
    )
