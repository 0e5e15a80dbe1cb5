"""What `doctor` looks at: the installation, and everything in a store that carries a digest."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import indexes
from guided_store import store as stores
from guided_store.encoders import load_encoder
from guided_store.errors import GuidedStoreError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import KINDS, VersionInfo, list_aliases, list_versions, load_embedding

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
    """Check the installation and everything in a store that carries a digest; changes nothing.

    Looks at the registry, tags, every version's content, encoders, indexes (full checksums) and aliases, in
    the order they depend on each other. A store that cannot be opened is a finding, not an exception.
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
        versions = list_versions(store)
    except GuidedStoreError as error:
        yield Check("fault", "store", str(error))
        return
    yield Check("good", "store", f"{store.root} opens; {len(versions)} versions in its registry")
    yield from _leftovers(store, versions)
    with progress.task("checking", len(versions)) as task:
        for info in versions:
            yield from _version(store, info)
            task.advance()
    yield from _indexes(store, versions)
    yield from _aliases(store, versions)


def _leftovers(store: Store, versions: list[VersionInfo]) -> Iterator[Check]:
    known = {str(info.ref) for info in versions}
    left = [f"tag {kind}/{tag}" for kind in KINDS for tag in store.tags(kind) if f"{kind}/{tag}" not in known]
    left += [f"encoder {name}" for name in store.artifacts("encoders") if name not in known]
    if left:
        finding = (
            f"left by an interrupted build: {', '.join(left)}; the next write, or --repair, removes them"
        )
        yield Check("note", "store", finding)
    missing = [info.ref for info in versions if info.ref.name not in store.tags(info.ref.kind)]
    for ref in missing:
        yield Check(
            "fault", str(ref), "its tag is gone, so a clean-up of old versions could delete its content"
        )


def _version(store: Store, info: VersionInfo) -> Iterator[Check]:
    ref = str(info.ref)
    try:
        embedding = load_embedding(store, info.ref)
    except GuidedStoreError as error:
        yield Check("fault", ref, str(error))
        return
    yield Check("good", ref, f"{info.rows:,} x {info.dim}, digest {info.digest[:12]} holds")
    if store.artifact("encoders", ref).is_dir():
        yield _tried(
            f"encoder {ref}",
            "loads and belongs to its version",
            lambda: load_encoder(store, embedding),
        )


def _indexes(store: Store, versions: list[VersionInfo]) -> Iterator[Check]:
    names = store.artifacts("indexes", 3)
    digests = {str(info.ref): info.digest for info in versions}
    for name in names:
        ref = name.rpartition("/")[0]
        subject = f"index {name}"
        try:
            manifest = indexes.verify(store.artifact("indexes", name))
        except indexes.VectorIndexError as error:
            yield Check("fault", subject, str(error))
            continue
        if ref not in digests:
            yield Check(
                "note", subject, f"its version {ref} does not exist any more; the index can be removed"
            )
        elif manifest.version_digest != digests[ref]:
            finding = (
                f"was built from another content of {ref}; build it again: guided-store index build {ref}"
            )
            yield Check("fault", subject, finding)
        else:
            yield Check("good", subject, f"{manifest.factory}, checksum holds")


def _aliases(store: Store, versions: list[VersionInfo]) -> Iterator[Check]:
    known = {info.ref for info in versions}
    for alias in list_aliases(store):
        subject = f"alias {alias.name}"
        if alias.version not in known:
            yield Check("fault", subject, f"points to {alias.version}, which does not exist")
        elif alias.index is not None and not store.artifact("indexes", alias.index).is_dir():
            yield Check("fault", subject, f"serves from index {alias.index}, which does not exist")
        else:
            yield Check("good", subject, f"points to {alias.version}")


def _tried(subject: str, finding: str, action: Callable[[], object]) -> Check:
    try:
        action()
    except GuidedStoreError as error:
        return Check("fault", subject, str(error))
    return Check("good", subject, finding)
