"""Vector indexes: build, search, save and check, on numpy and FAISS alone.

Ids are dense (0 to n - 1) and scores are inner products, plus an item bias where there is one:

    index = VectorIndex.build(vectors, bias, IndexSpec("HNSW32"))
    scores, ids = index.search(queries, 10, exclude=histories)
    index.save("indexes/films", version_digest=digest)
    index = VectorIndex.load("indexes/films", version_digest=digest, mmap=True)

Errors:

    VectorIndexError        a request, an array or an index on disk is wrong; `exit_code` 1
    ├── IndexRequestError   the kind of index or its parameters are wrong; `exit_code` 2
    └── IndexMismatchError  the index belongs to other vectors
"""

from indexes._augment import augment, augment_query
from indexes._build import Progress
from indexes._errors import IndexMismatchError, IndexRequestError, VectorIndexError
from indexes._index import EXACT_ABOVE, VectorIndex, verify
from indexes._manifest import Manifest, Recall, read_manifest
from indexes._recall import measure_recall
from indexes._spec import IndexSpec

__all__ = [
    "EXACT_ABOVE",
    "IndexMismatchError",
    "IndexRequestError",
    "IndexSpec",
    "Manifest",
    "Progress",
    "Recall",
    "VectorIndex",
    "VectorIndexError",
    "augment",
    "augment_query",
    "measure_recall",
    "read_manifest",
    "verify",
]
