"""FAISS indexes as artifacts of the store, bound to an embedding version."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, load_sequences
from guided_store.encoders import Encoder, load_encoder, priors_of
from guided_store.errors import StoreError, UsageError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import KINDS, Embedding, Ref, check_name, load_embedding, parse_ref, resolve
from indexes import IndexSpec, Manifest, Recall, VectorIndex, measure_recall, read_manifest, verify

RECALL_AT = 100
RECALL_QUERIES = 500


def index_name(factory: str) -> str:
    """A legal artifact name made from a factory string: "IVF64,SQ8" -> "ivf64-sq8"."""
    return "".join(c if c.isalnum() else "-" for c in factory.lower()).strip("-")[:64]


def list_indexes(store: Store, version: str | Ref | None = None) -> list[tuple[str, Manifest]]:
    """Names ("kind/name/index") and manifests of the stored indexes, of one version or all.

    An index whose manifest cannot be read raises `indexes.VectorIndexError`.
    """
    wanted = None if version is None else str(parse_ref(version))
    names = [
        name
        for name in store.artifacts("indexes", depth=3)
        if wanted is None or name.startswith(f"{wanted}/")
    ]
    return [(name, read_manifest(store.artifact("indexes", name))) for name in names]


def load_index(store: Store, embedding: Embedding, name: str, *, mmap: bool = True) -> VectorIndex:
    """Load one of a version's indexes; refused where it was built from other vectors.

    Args:
        name: "kind/name/index" or just "index".

    Raises:
        UsageError: there is no such index.
        indexes.VectorIndexError: it is damaged, or belongs to another digest.
    """
    full = name if name.startswith(f"{embedding.ref}/") else f"{embedding.ref}/{name}"
    folder = store.artifact("indexes", full)
    if not folder.is_dir():
        there = [known for known, _ in list_indexes(store, embedding.ref)]
        hint = f"there is {', '.join(there)}" if there else f"build one: `index build {embedding.ref}`"
        raise UsageError(f"{embedding.ref} has no index {name!r}; {hint}")
    index = VectorIndex.load(folder, version_digest=embedding.digest, mmap=mmap)
    index.attach_vectors(embedding.vectors, embedding.bias)
    return index


def build_index(
    store: Store,
    version: str | Ref,
    *,
    factory: str = "Flat",
    search: dict[str, int] | None = None,
    name: str | None = None,
    overwrite: bool = False,
    seed: int = 1,
    progress: Progress = SILENT,
) -> tuple[str, Manifest]:
    """Build, measure and store a FAISS index of a version, bias column included.

    The recall@100 against exact search is measured on queries encoded from real histories where the version
    has an encoder and the store has interactions, those histories excluded (a history of all items leaves
    nothing to find and is not asked); else on the version's own vectors. Which, is recorded.

    Args:
        version: "kind/name".
        factory: FAISS factory string, "Flat" (exact), "HNSW32", "IVF1024,SQ8", ...
        search: FAISS search parameters (nprobe, efSearch).
        name: of the artifact; made from `factory` by default.
        overwrite: replace an index of that name.

    Returns:
        its name "kind/name/index", and its manifest.

    Raises:
        StoreError: the store is open for reading only.
        UsageError: the name is taken or illegal.
        indexes.IndexRequestError: the factory string or parameters are unknown, or do not fit the version.
    """
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")
    embedding = load_embedding(store, version)
    spec = IndexSpec(factory, search or {}, seed=seed)
    full = f"{embedding.ref}/{check_name(name or index_name(factory))}"
    folder = store.artifact("indexes", full)
    if folder.exists() and not overwrite:
        raise UsageError(f"there is an index {full} already; give --overwrite or another --as name")
    built = VectorIndex.build(embedding.vectors, embedding.bias, spec, progress=progress)
    value, queries, source = recall_of(store, embedding, built)
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest = built.save(
        folder,
        version_digest=embedding.digest,
        extra={"version": str(embedding.ref), "queries": source},
        recall=Recall(k=min(RECALL_AT, built.n), queries=queries, value=value, how=source),
        overwrite=overwrite,
    )
    return full, manifest


def resolve_index(store: Store, name: str) -> str:
    """The full name "kind/name/index" of what "kind/name/index" or "alias/index" names; it may not exist.

    Raises:
        UsageError: another form, or an unknown alias.
    """
    parts = name.split("/")
    if len(parts) == 3:
        return f"{parse_ref('/'.join(parts[:2]))}/{parts[2]}"
    if len(parts) == 2 and parts[0] not in KINDS:
        return f"{resolve(store, parts[0])[0]}/{parts[1]}"
    raise UsageError(f"{name!r} does not name an index; write kind/name/index or alias/index")


def verify_index(store: Store, name: str) -> tuple[Manifest, float]:
    """Check every byte of a stored index and measure its recall@100 again.

    Args:
        name: "kind/name/index" or "alias/index".

    Returns:
        its manifest, and the recall now.

    Raises:
        UsageError: there is no such index, or the name has another form.
        indexes.VectorIndexError: it is damaged, or belongs to other vectors.
    """
    version, _, short = resolve_index(store, name).rpartition("/")
    embedding = load_embedding(store, version)
    index = load_index(store, embedding, short)
    manifest = verify(store.artifact("indexes", f"{embedding.ref}/{short}"))
    return manifest, recall_of(store, embedding, index)[0]


def recall_of(store: Store, embedding: Embedding, index: VectorIndex) -> tuple[float, int, str]:
    """Recall@100 of an index: its value, the number of queries, and what the queries were."""
    queries, histories, source = _recall_queries(store, embedding)
    value = measure_recall(index, queries, min(RECALL_AT, index.n), exclude=histories)
    return value, len(queries), source


def _recall_queries(
    store: Store, embedding: Embedding
) -> tuple[NDArray[np.float32], list[NDArray[np.int64]] | None, str]:
    """Queries, what each excludes, and what they are."""
    rng = np.random.default_rng(0)
    try:
        encoder: Encoder | None = load_encoder(store, embedding)
    except UsageError:
        encoder = None
    if encoder is not None and store.has_table("interactions"):
        sequences = load_sequences(store).restrict(embedding.item_ids)
        users = _with_something_left(sequences)
        if len(users):
            chosen = rng.choice(users, min(RECALL_QUERIES, len(users)), replace=False)
            histories = [sequences.row(int(user)) for user in chosen]
            exclude = [np.unique(history).astype(np.int64) for history in histories]
            priors = priors_of(store, encoder, embedding)
            known = None if priors is None else priors.rows(sequences.user_ids[user] for user in chosen)
            return encoder.encode(histories, known), exclude, "encoded histories, their items excluded"
    rows = rng.choice(len(embedding.vectors), min(RECALL_QUERIES, len(embedding.vectors)), replace=False)
    return embedding.vectors[rows], None, "item vectors"


def _with_something_left(sequences: Sequences) -> NDArray[np.int64]:
    """Users with a history that does not cover every item, int64."""
    users = np.flatnonzero(sequences.lengths)
    long = users[sequences.lengths[users] >= sequences.n_items]  # few, where there are any
    covering = [int(user) for user in long if len(np.unique(sequences.row(int(user)))) == sequences.n_items]
    return np.setdiff1d(users, np.array(covering, np.int64))
