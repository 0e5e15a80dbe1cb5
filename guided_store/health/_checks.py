"""What `doctor` looks at: the installation, and everything in a store that can be checked."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import indexes
from guided_store import store as stores
from guided_store.encoders import load_encoder, priors_of
from guided_store.errors import GuidedStoreError
from guided_store.journal import job_names, read_job, read_sent, waiting
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import (
    TABLES,
    Embedding,
    VersionInfo,
    list_aliases,
    list_versions,
    load_embedding,
    table_of,
)

PACKAGES = (
    "guided-store",
    "lancedb",
    "pylance",
    "faiss-cpu",
    "torch",
    "numpy",
    "pyarrow",
    "polars",
    "openai",
)


@dataclass(frozen=True)
class Check:
    """One finding: `state` is "good", "note" (works, but worth knowing) or "fault"."""

    state: Literal["good", "note", "fault"]
    subject: str
    finding: str


def check_all(uri: str | Path, progress: Progress = SILENT) -> list[Check]:
    """Check the installation and everything in a store that can be checked; changes nothing.

    Reads every table once; looks at the registry, tags, leftovers, every version's content, encoders, indexes
    (full checksums) and aliases. Damage is a finding, not an exception, and the check goes on with the rest.
    """
    return [*_installation(), *_store(uri, progress)]


def _installation() -> Iterator[Check]:
    yield Check("good", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in PACKAGES:
        try:
            yield Check("good", name, version(name))
        except PackageNotFoundError:
            yield Check("fault", name, "is not installed; install guided-store again")


def _store(uri: str | Path, progress: Progress) -> Iterator[Check]:
    try:
        store = stores.open(uri)
    except GuidedStoreError as error:
        yield Check("fault", "store", str(error))
        return
    yield Check("good", "store", f"{store.root} opens")
    versions: list[VersionInfo] | None = None
    try:
        versions = list_versions(store)
        yield Check("good", "registry", f"{len(versions)} versions")
    except GuidedStoreError as error:
        yield Check("fault", "registry", str(error))
    yield from _guarded("tables", _tables(store, progress))
    yield from _guarded("store", _half_written(store))
    if versions is not None:  # what belongs to a version cannot be told without the registry
        for kind in TABLES:
            yield from _guarded(f"tags of {kind}", _tags(store, kind, versions))
        yield from _guarded("store", _orphans(store, versions))
        with progress.task("checking", len(versions)) as task:
            for info in versions:
                yield from _guarded(str(info.ref), _version(store, info))
                task.advance()
    yield from _guarded("journals", _journals(store))
    yield from _guarded("batch jobs", _jobs(store))
    yield from _guarded("indexes", _indexes(store, versions))
    yield from _guarded("aliases", _aliases(store, versions))


def _guarded(subject: str, checks: Iterator[Check]) -> Iterator[Check]:
    """The checks up to the first that raises, which becomes a fault."""
    try:
        yield from checks
    except (GuidedStoreError, indexes.VectorIndexError, OSError) as error:
        yield Check("fault", subject, str(error))


def _tables(store: Store, progress: Progress) -> Iterator[Check]:
    names = store.table_names()
    with progress.task("reading tables", len(names)) as task:
        for name in names:
            yield from _guarded(f"table {name}", _table(store, name))
            task.advance()
    for folder in sorted((store.root / "tables").glob("*.lance")):
        if folder.stem not in names:
            finding = (
                "has no manifest, so it counts as absent: its first write was interrupted, or files are lost"
            )
            yield Check("note", f"table {folder.stem}", finding)


def _table(store: Store, name: str) -> Iterator[Check]:
    rows = sum(batch.num_rows for batch in store.batches(name))  # a count alone reads no data file
    yield Check("good", f"table {name}", f"{rows:,} rows can be read")


def _half_written(store: Store) -> Iterator[Check]:
    left = [path.relative_to(store.root).as_posix() for path in stores.find_leftovers(store.root)]
    if left:
        yield _left(left)
    for path in sorted((store.root / "indexes").glob("*/*/.*.replaced-*")):
        name = path.name[1:].rpartition(".replaced-")[0]
        if not path.with_name(name).exists():
            finding = f"replacing it was interrupted: rename {path} to {name}, or build it again"
            yield Check("fault", f"index {path.parent.relative_to(store.root / 'indexes')}/{name}", finding)


def _tags(store: Store, kind: str, versions: list[VersionInfo]) -> Iterator[Check]:
    known = {info.ref.name for info in versions if info.ref.kind == kind}
    tags = set(store.tags(table_of(kind)))
    if tags - known:
        yield _left([f"tag {kind}/{tag}" for tag in sorted(tags - known)])
    for name in sorted(known - tags):
        finding = "its tag is gone, so a clean-up of old versions could delete its content"
        yield Check("fault", f"{kind}/{name}", finding)


def _orphans(store: Store, versions: list[VersionInfo]) -> Iterator[Check]:
    known = {str(info.ref) for info in versions}
    left = [f"encoder {name}" for name in store.artifacts("encoders") if name not in known]
    found = sorted((store.root / "checkpoints").glob("*/*.safetensors"))
    checkpoints = [f"{path.parent.name}/{path.stem}" for path in found]
    left += [f"checkpoint {name}, whose training is finished" for name in checkpoints if name in known]
    if left:
        yield _left(left)


def _left(names: list[str]) -> Check:
    finding = (
        f"left by an interrupted build, if none is running: {', '.join(names)}; the next write, or --repair, "
        "removes them"
    )
    return Check("note", "store", finding)


def _version(store: Store, info: VersionInfo) -> Iterator[Check]:
    ref = str(info.ref)
    embedding = load_embedding(store, info.ref)
    yield Check("good", ref, f"{info.rows:,} x {info.dim}, digest {info.digest[:12]} holds")
    subject = f"encoder {ref}"
    if store.artifact("encoders", ref).is_dir():
        yield from _guarded(subject, _encoder(store, embedding, subject))
    elif "training" in info.recipe:
        finding = f"is missing, though {ref} was trained; restore its folder from a copy, or train again"
        yield Check("fault", subject, finding)


def _encoder(store: Store, embedding: Embedding, subject: str) -> Iterator[Check]:
    encoder = load_encoder(store, embedding)
    priors_of(store, encoder, embedding)
    yield Check("good", subject, "loads and belongs to its version")


def _journals(store: Store) -> Iterator[Check]:
    for entry in waiting(store):
        subject = f"journal {entry.run}"
        if entry.running:
            yield Check("good", subject, "is being written by a running `score run`")
        elif entry.files:
            yield Check("note", subject, "holds answers of an interrupted run; the next write moves them")
        for path in entry.damaged:
            finding = f"has lines that could not be used, kept in {path}; what they asked is asked again"
            yield Check("note", subject, finding)


def _jobs(store: Store) -> Iterator[Check]:
    for name in job_names(store.root):
        yield from _guarded(f"batch job {name}", _job(store, name))


def _job(store: Store, name: str) -> Iterator[Check]:
    job = read_job(store.root, name)
    if job.open:
        sent = sum(len(sent.item_ids) for sent in read_sent(store.root, name))
        yield Check("good", f"batch job {name}", f"is {job.state}, {sent:,} items wait in it")


def _indexes(store: Store, versions: list[VersionInfo] | None) -> Iterator[Check]:
    digests = None if versions is None else {str(info.ref): info.digest for info in versions}
    for name in store.artifacts("indexes", 3):
        yield from _guarded(f"index {name}", _index(store, name, digests))


def _index(store: Store, name: str, digests: dict[str, str] | None) -> Iterator[Check]:
    subject, ref = f"index {name}", name.rpartition("/")[0]
    manifest = indexes.verify(store.artifact("indexes", name))
    if digests is not None and ref not in digests:
        yield Check("note", subject, f"its version {ref} does not exist any more; the index can be removed")
    elif digests is not None and manifest.version_digest != digests[ref]:
        finding = f"was built from another content of {ref}; build it again: guided-store index build {ref}"
        yield Check("fault", subject, finding)
    else:
        yield Check("good", subject, f"{manifest.factory}, checksum holds")


def _aliases(store: Store, versions: list[VersionInfo] | None) -> Iterator[Check]:
    known = None if versions is None else {info.ref for info in versions}
    for alias in list_aliases(store):
        subject = f"alias {alias.name}"
        if known is not None and alias.version not in known:
            yield Check("fault", subject, f"points to {alias.version}, which does not exist")
        elif alias.encoder is not None and not store.artifact("encoders", alias.encoder).is_dir():
            yield Check("fault", subject, f"serves with encoder {alias.encoder}, which does not exist")
        elif alias.index is not None and not store.artifact("indexes", alias.index).is_dir():
            yield Check("fault", subject, f"serves from index {alias.index}, which does not exist")
        else:
            yield Check("good", subject, f"points to {alias.version}")
