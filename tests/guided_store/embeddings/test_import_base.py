"""Base versions from a user's own vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guided_store.embeddings import build_base_from_file, import_base
from guided_store.errors import DataError, UsageError, VersionError
from guided_store.store import Store
from guided_store.versions import load_embedding

VECTORS = np.arange(6, dtype=np.float64).reshape(3, 2)


def test_arrays_and_files_give_the_same_version(store: Store, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    (tmp_path / "ids.txt").write_bytes("\ufeffa\r\nb\r\né\r\n\r\n".encode())
    pq.write_table(pa.table({"vector": VECTORS.tolist(), "item_id": ["a", "b", "é"]}), tmp_path / "v.parquet")
    first = import_base(store, "one", VECTORS, ["a", "b", "é"])
    second = import_base(store, "two", tmp_path / "v.npy", tmp_path / "ids.txt")
    third = build_base_from_file(store, "three", tmp_path / "v.npy", tmp_path / "ids.txt")
    fourth = build_base_from_file(store, "four", tmp_path / "v.parquet")
    assert len({info.digest for info in (first, second, third, fourth)}) == 1
    part = load_embedding(store, "base/two")
    assert part.item_ids == ("a", "b", "é")
    np.testing.assert_array_equal(part.vectors, VECTORS)
    assert part.bias is None
    assert second.recipe["source"] == "v.npy"
    assert second.recipe["source_digest"] != fourth.recipe["source_digest"]


def test_a_bias_is_kept(store: Store, tmp_path: Path) -> None:
    import_base(store, "one", VECTORS, ["a", "b", "c"], bias=np.array([1.0, 2.0, 3.0]))
    bias = load_embedding(store, "base/one").bias
    assert bias is not None
    assert bias.tolist() == [1, 2, 3]
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel(), pa.float32()), 2)
    pq.write_table(
        pa.table({"item_id": [7, 8, 9], "vector": vectors, "bias": [1, 2, 3]}), tmp_path / "v.parquet"
    )
    build_base_from_file(store, "two", tmp_path / "v.parquet")
    part = load_embedding(store, "base/two")
    assert part.item_ids == ("7", "8", "9")
    assert part.bias is not None
    assert part.bias.tolist() == [1, 2, 3]


def test_ids_are_compared_with_the_catalogue(store: Store, guided: str) -> None:
    assert guided == "guided/g"
    recipe = import_base(store, "one", VECTORS, ["i1", "i2", "other"]).recipe
    counts = (
        recipe["catalogue_items"],
        recipe["catalogue_items_with_vector"],
        recipe["ids_not_in_catalogue"],
    )
    assert counts == (30, 2, 1)
    with pytest.raises(
        UsageError, match=r"none of the 3 ids \(such as 'a'\) is in the catalogue of 30 items"
    ):
        import_base(store, "two", VECTORS, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("vectors", "ids", "sentence"),
    [
        (VECTORS, ["a", "b"], "the array of vectors has 3 vectors, but there are 2 ids"),
        (VECTORS, ["a", "b", "a"], "id number 3: item 'a' was given already, as number 1"),
        (VECTORS, ["a", " ", "b"], "id number 2: the id is blank"),
        (
            np.array([[1.0], [np.nan], [np.inf]]),
            ["a", "b", "c"],
            "the vector of item 'b' (number 2) holds a number",
        ),
        (np.array([[1.0], [1e300]]), ["a", "b"], "the vector of item 'b' (number 2) holds a number"),
        (np.zeros(3), ["a", "b", "c"], "this has shape (3,) and type float64"),
        (np.zeros((3, 0)), ["a", "b", "c"], "this has shape (3, 0)"),
        (np.array([["x"]]), ["a"], "type <U1"),
        (np.array([[1j]]), ["a"], "type complex128"),
    ],
)
def test_wrong_vectors_or_ids(vectors: object, ids: list[str], sentence: str, store: Store) -> None:
    with pytest.raises(DataError) as caught:
        import_base(store, "x", vectors, ids)  # type: ignore[arg-type]
    assert sentence in str(caught.value)
    assert not store.has_table("base")


def test_a_wrong_bias(store: Store) -> None:
    with pytest.raises(DataError, match="the bias must be 3 finite numbers"):
        import_base(store, "x", VECTORS, ["a", "b", "c"], bias=np.zeros(2))
    with pytest.raises(DataError, match="the bias must be 3 finite numbers"):
        import_base(store, "x", VECTORS, ["a", "b", "c"], bias=np.array([0, np.nan, 0]))


def test_lines_of_the_id_file_are_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("a\nb\nb\n")
    with pytest.raises(DataError, match=r"ids\.txt, line 3: item 'b' was given already, as number 2"):
        import_base(store, "x", VECTORS, tmp_path / "ids.txt")
    (tmp_path / "ids.txt").write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"ids\.txt: not UTF-8 text"):
        import_base(store, "x", VECTORS, tmp_path / "ids.txt")


def test_files_that_are_not_what_they_should_be(store: Store, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("a\nb\nc\n")
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "t.npy").write_text("no")
    (tmp_path / "t.parquet").write_text("no")
    for name in ("o.npy", "t.npy"):
        with pytest.raises(DataError, match=r"is not a readable \.npy file of numbers"):
            import_base(store, "x", tmp_path / name, ids)
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        build_base_from_file(store, "x", tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="there is no file"):
        import_base(store, "x", tmp_path / "none.npy", ids)
    with pytest.raises(UsageError, match="there is no file"):
        import_base(store, "x", VECTORS, tmp_path / "none.txt")
    with pytest.raises(UsageError, match=r"give \.npy or \.parquet"):
        import_base(store, "x", ids, ids)


def test_parquet_faults(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    faults = [
        ({"item_id": ["a"]}, r"no column 'vector'; its columns are item_id"),
        ({"item_id": ["a"], "vector": [1.0]}, r"column 'vector' is double; it must hold a list"),
        (
            {"item_id": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]},
            r"row 2: the vector has 2 numbers, the first has 1",
        ),
        ({"item_id": ["a", "b"], "vector": [[1.0], None]}, r"row 2: the vector has 0 numbers"),
        ({"item_id": ["a", None], "vector": [[1.0], [2.0]]}, r"row 2: the id is blank"),
        (
            {"item_id": ["a", "b"], "vector": [[1.0], [None]]},
            r"item 'b' \(number 2\) holds a number that is not finite",
        ),
    ]
    for columns, sentence in faults:
        pq.write_table(pa.table(columns), path)
        with pytest.raises(DataError, match=sentence):
            build_base_from_file(store, "x", path)
    with pytest.raises(UsageError, match="brings its own ids"):
        build_base_from_file(store, "x", path, tmp_path / "ids.txt")
    with pytest.raises(UsageError, match="vectors without ids; give a text file"):
        build_base_from_file(store, "x", tmp_path / "v.npy")


def test_a_name_is_given_once(store: Store) -> None:
    import_base(store, "x", VECTORS, ["a", "b", "c"])
    with pytest.raises(VersionError, match="there is a version base/x already"):
        import_base(store, "x", VECTORS, ["a", "b", "c"])
