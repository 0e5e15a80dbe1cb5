"""Factory strings and parameters: what is accepted, filled in and refused."""

from __future__ import annotations

from typing import Any

import pytest

from indexes import IndexSpec, VectorIndexError

REFUSED = [
    *("", "flat", "Flat\n", "HNSW", "HNSW32,", "HNSW1", "HNSW32Flat", "HNSW32,RFlat", "IVF0,Flat", "IVF64"),
    *("IVF64,RFlat", "IVF64,PQ8x4fs", "IVF64,HNSW32,Flat", "PQ8", "Flat,RFlat", "IDMap2,Flat", "PCA32,Flat"),
    "L2norm,Flat",
]


@pytest.mark.parametrize("text", ["Flat", "SQ4", "SQ6", "SQbf16", "HNSW16,Flat", "SQ8,RFlat", "IVF4096,PQ16"])
def test_supported_factories_are_accepted(text: str) -> None:
    assert IndexSpec(text).factory == text


@pytest.mark.parametrize("text", REFUSED)
def test_other_factories_are_refused(text: str) -> None:
    with pytest.raises(VectorIndexError, match="factory"):
        IndexSpec(text)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"search": {"nprobe": 4}}, "'nprobe' is not one of index Flat: it takes none"),
        ({"factory": "HNSW32", "search": {"nprobe": 4}}, "it takes efSearch, k_factor"),
        ({"factory": "IVF8,Flat", "search": {"nprobe": 9}}, "nprobe 9 exceeds the 8 lists"),
        ({"factory": "IVF8,Flat", "search": {"nprobe": 0}}, "nprobe must be a positive whole number, not 0"),
        ({"factory": "HNSW32", "search": {"efSearch": 1.5}}, "efSearch must be a positive whole number"),
        ({"factory": "IVF8,Flat", "build": {"efConstruction": 9}}, "build parameter 'efConstruction'"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**31}, "seed must be a whole number"),
        ({"factory": 3}, "unknown index factory 3"),
    ],
)
def test_wrong_parameters_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(VectorIndexError, match=sentence):
        IndexSpec(**arguments)


def test_defaults_are_filled_in() -> None:
    assert IndexSpec().search_parameters() == {}
    assert IndexSpec("IVF256,SQ8").search_parameters() == {"nprobe": 32, "k_factor": 2}
    assert IndexSpec("IVF4,Flat").search_parameters() == {"nprobe": 4, "k_factor": 1}
    assert IndexSpec("HNSW32", {"efSearch": 64}).search_parameters() == {"efSearch": 64, "k_factor": 1}
    assert IndexSpec("HNSW32").build_parameters() == {"efConstruction": 80}


def test_a_spec_cannot_be_changed_from_outside() -> None:
    search = {"nprobe": 3}
    spec = IndexSpec("IVF8,Flat", search)
    search["nprobe"] = 999
    assert spec.search == {"nprobe": 3}
    assert hash(spec) == hash(IndexSpec("IVF8,Flat", {"nprobe": 3}))
