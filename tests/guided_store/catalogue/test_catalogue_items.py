"""Items and users: columns, titles, texts, updates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guided_store.catalogue import (
    IngestOptions,
    ItemLayout,
    UserLayout,
    ingest_interactions,
    ingest_items,
    ingest_users,
    load_items,
)
from guided_store.errors import DataError, UsageError
from guided_store.store import Store

Write = Callable[[str, str | bytes], Path]


def table(store: Store, name: str = "items") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = store.read(name).to_pylist()
    return rows


def test_movies_csv(store: Store, write: Write) -> None:
    content = (
        'movieId,title,genres\n1,Heat (1995),Action|Crime\n2,"Godfather, The (1972) ",Crime\n3,Cosmos,\n'
    )
    report = ingest_items(store, write("movies.csv", content))
    assert table(store) == [
        {"item_id": "1", "title": "Heat", "year": 1995, "text": "Action, Crime", "genres": "Action|Crime"},
        {"item_id": "2", "title": "Godfather, The", "year": 1972, "text": "Crime", "genres": "Crime"},
        {"item_id": "3", "title": "Cosmos", "year": None, "text": None, "genres": None},
    ]
    assert not store.read("items").schema.field("item_id").nullable
    assert report.new_columns == ("year", "genres")
    assert any("the year was split off the title of 67%" in line for line in report.lines())
    items = load_items(store)
    assert items.ids == ("1", "2", "3")
    assert len(items) == 3
    assert (items.title_of("1"), items.title_of("3"), items.title_of("99")) == ("Heat", "Cosmos", "99")
    assert (items.year_of("2"), items.year_of("3"), items.years) == (1972, None, {"1": 1995, "2": 1972})
    assert items.texts == {"1": "Action, Crime", "2": "Crime"}


@pytest.mark.parametrize(
    "given, title, year",
    [
        ("Heat (1995)", "Heat", 1995),
        ("Heat (1995) (V)", "Heat", 1995),
        ("Death Note (2006–2007)", "Death Note", 2006),
        ("Series (2010-)", "Series", 2010),
        ("Assembly (Ji jie hao) (2007) ", "Assembly (Ji jie hao)", 2007),
        ("2001", "2001", None),
        ("(1995)", "(1995)", None),
    ],
)
def test_titles_and_years(store: Store, write: Write, given: str, title: str, year: int | None) -> None:
    content = f"item_id,title\n1,{given}\n2,Other (1990)\n"
    ingest_items(store, write("i.csv", content))
    assert (table(store)[0]["title"], table(store)[0]["year"]) == (title, year)


def test_a_year_of_its_own_decides(store: Store, write: Write) -> None:
    rows = "1,Heat (1995),1995\n2,Blade Runner (1982),2049\n3,Up (2009),\n4,Ran (1985),1985\n"
    content = "item_id,title,year\n" + rows
    ingest_items(store, write("i.csv", content))
    assert [row["title"] for row in table(store)] == ["Heat", "Blade Runner (1982)", "Up (2009)", "Ran"]
    assert [row["year"] for row in table(store)] == [1995, 2049, None, 1985]


def test_years_are_split_as_told(store: Store, write: Write) -> None:
    path = write("i.csv", "item_id,title\n1,Heat (1995)\n2,Pen\n3,Ink\n")
    ingest_items(store, path)
    assert table(store)[0]["title"] == "Heat (1995)"  # most titles have none
    ingest_items(store, path, ItemLayout(split_year=True), IngestOptions(replace=True))
    assert (table(store)[0]["title"], table(store)[0]["year"]) == ("Heat", 1995)
    ingest_items(store, write("j.csv", "item_id,title\n1,Heat (1995)\n"), ItemLayout(split_year=False))
    assert table(store)[0]["title"] == "Heat (1995)"


def test_text_is_composed_of_the_columns_named(store: Store, write: Write) -> None:
    path = write("i.csv", "id,name,brand,note\n1,Pen,Acme,blue|thin\n2,Ink,,black\n3,Cap,,\n")
    ingest_items(store, path, ItemLayout(text=("brand", "note")))
    assert [row["text"] for row in table(store)] == ["brand: Acme\nnote: blue, thin", "note: black", None]
    assert [row["title"] for row in table(store)] == ["Pen", "Ink", "Cap"]
    ingest_items(store, path, ItemLayout(text=()), IngestOptions(replace=True))
    assert [row["text"] for row in table(store)] == [None] * 3 if "text" in table(store)[0] else True
    with pytest.raises(UsageError, match="no column 'colour' for --text; its columns are 'id', 'name'"):
        ingest_items(store, path, ItemLayout(text=("colour",)))
    with pytest.raises(UsageError, match="no column 'nr' for --item;"):
        ingest_items(store, path, ItemLayout(item_id="nr"))


def test_types_are_found_and_ids_stay_text(store: Store, write: Write) -> None:
    content = "item_id,title,price,pages,code,mixed,empty\n007,A,1.50,10,001,1,\n8,B,2,,002,x,\n"
    ingest_items(store, write("i.csv", content))
    first = table(store)[0]
    assert first["item_id"] == "007"
    assert (first["price"], first["pages"], first["code"], first["mixed"]) == (1.5, 10, "001", "1")
    kinds = store.read("items").schema
    assert kinds.field("pages").type == pa.int64()
    assert kinds.field("empty").type == pa.string()


def test_amazon_metadata_lines(store: Store, write: Write) -> None:
    new = {
        "parent_asin": "B1",
        "title": "Pen",
        "store": "Acme",
        "description": ["It writes." * 10, "It is blue."],
        "categories": ["Office", "Pens"],
        "details": {"colour": "blue"},
        "average_rating": 4.5,
    }
    old = "{'asin': '0001', 'title': \"Clerk's ink\", 'brand': 'Acme', 'description': 'Black.'}"
    lines = json.dumps(new) + "\n" + "\n" * 3 + old + "\n"
    ingest_items(
        store, write("meta.jsonl", lines), ItemLayout(item_id="parent_asin"), IngestOptions(on_error="skip")
    )
    (row,) = table(store)
    assert row["description"] == "It writes." * 10 + "\nIt is blue."
    assert row["categories"] == "Office|Pens"
    assert row["details"] == '{"colour": "blue"}'
    assert row["average_rating"] == 4.5
    assert row["text"] == f"categories: Office, Pens\nstore: Acme\ndescription: {row['description']}"
    ingest_items(store, write("meta14.json", old + "\n"))
    assert table(store)[1]["title"] == "Clerk's ink"
    assert table(store)[1]["brand"] == "Acme"


def test_columns_of_later_json_lines_are_kept(store: Store, write: Write) -> None:
    lines = "".join(json.dumps({"item_id": n, "title": f"t{n}"}) + "\n" for n in range(3_000))
    ingest_items(store, write("i.jsonl", lines + '{"item_id": 3000, "rare": true}\n'))
    assert table(store)[3000] == {"item_id": "3000", "title": None, "text": None, "rare": "true"}


def test_parquet_items_keep_their_types(store: Store, tmp_path: Path) -> None:
    given = pa.table(
        {"asin": ["a", "b"], "size": pa.array(["1", "2"], pa.large_string()), "tags": [["x", "y"], None]}
    )
    pq.write_table(given, tmp_path / "i.parquet")
    ingest_items(store, tmp_path / "i.parquet")
    assert table(store)[0] == {"item_id": "a", "title": None, "text": None, "size": "1", "tags": "x|y"}


def test_a_second_ingest_updates_and_extends(store: Store, write: Write) -> None:
    ingest_items(store, write("a.csv", "item_id,title,price\n1,Pen,2\n2,Ink,3\n3,Cap,4\n"))
    report = ingest_items(store, write("b.csv", "item_id,price,colour\n2,9.5,red\n4,1,\n1,2,\n"))
    assert (report.added, report.updated, report.left_out) == (1, 1, {"in the table already": 1})
    assert report.new_columns == ("colour",)
    assert [(row["item_id"], row["title"], row["price"], row["colour"]) for row in table(store)] == [
        ("1", "Pen", 2.0, None),
        ("2", "Ink", 9.5, "red"),
        ("3", "Cap", 4.0, None),
        ("4", None, 1.0, None),
    ]
    version = store.table_version("items")
    again = ingest_items(store, write("b.csv", "item_id,price,colour\n2,9.5,red\n4,1,\n1,2,\n"))
    assert (again.added, again.updated) == (0, 0)
    assert store.table_version("items") == version
    erased = ingest_items(store, write("c.csv", "item_id,title\n3,\n"))
    assert erased.updated == 1
    assert load_items(store).title_of("3") == "3"


def test_a_column_of_another_type_is_refused(store: Store, write: Write) -> None:
    ingest_items(store, write("a.csv", "item_id,price\n1,2\n"))
    with pytest.raises(DataError, match="column 'price' holds int64 values in the items table and string in"):
        ingest_items(store, write("b.csv", "item_id,price\n2,cheap\n"))
    assert len(table(store)) == 1


def test_the_last_row_of_an_id_counts(store: Store, write: Write) -> None:
    report = ingest_items(store, write("a.csv", "item_id,title\n1,Old\n2,Ink\n1,New\n"))
    assert [(row["item_id"], row["title"]) for row in table(store)] == [("1", "New"), ("2", "Ink")]
    assert report.left_out == {"the same item id again further down in the file": 1}


def test_bad_item_rows(store: Store, write: Write) -> None:
    path = write("a.csv", b"item_id,title\n1,Pen\n,Nameless\n3,\xff\n4\n5,Cap\n")
    with pytest.raises(DataError, match=r"a\.csv line [35]: "):
        ingest_items(store, path)
    report = ingest_items(store, path, options=IngestOptions(on_error="skip"))
    assert [(bad.number, bad.reason) for bad in report.bad_rows] == [
        (3, "item id is blank"),
        (4, "title is not valid UTF-8"),
        (5, "1 fields where 2 are expected"),
    ]
    assert (report.rows, report.added) == (5, 2)
    with pytest.raises(DataError, match="no rows that could be read as items"):
        ingest_items(
            store, write("b.csv", "item_id,title\n,x\n"), options=IngestOptions("skip", replace=True)
        )


def test_names_that_lance_refuses_are_mended(store: Store, write: Write) -> None:
    ingest_items(store, write("a.csv", ",item_id,a.b,a_b\n0,1,x,y\n"))
    (row,) = table(store)
    assert (row["a_b"], row["a_b_"]) == ("x", "y")
    assert 0 in row.values()


def test_titles_fall_back_on_ids_without_items(store: Store) -> None:
    items = load_items(store)
    assert len(items) == 0
    assert items.title_of("7") == "7"
    assert items.years == {}


def test_users_and_their_groups(store: Store, write: Write) -> None:
    path = write("u.csv", "userId,gender,age,note\n1,F,25,x\n2,M,,y\n")
    ingest_users(store, path, UserLayout(columns=("gender", "age")))
    assert table(store, "users") == [
        {"user_id": "1", "gender": "F", "age": 25},
        {"user_id": "2", "gender": "M", "age": None},
    ]
    report = ingest_users(store, write("v.csv", "user,gender\n2,F\n3,M\n"))
    assert (report.added, report.updated) == (1, 1)
    assert report.lines()[-1] == "  now 3 users"
    with pytest.raises(UsageError, match="no column 'size' to group users by"):
        ingest_users(store, path, UserLayout(columns=("size",)))


def test_items_of_events_that_the_catalogue_lacks_are_counted(store: Store, write: Write) -> None:
    ingest_items(store, write("i.csv", "item_id,title\na,A\n"))
    report = ingest_interactions(store, write("r.csv", "user,item,time\n1,a,1\n1,b,2\n1,c,3\n"))
    assert report.unknown_items == 2
    assert "  2 items of the events not in the items table" in report.lines()


@pytest.mark.parametrize("ingest, key", [(ingest_items, "item_id"), (ingest_users, "user_id")])
def test_files_without_rows_are_refused(
    store: Store, write: Write, tmp_path: Path, ingest: Callable[..., object], key: str
) -> None:
    empty = pa.table({key: pa.array([], pa.string()), "size": pa.array([], pa.int64())})
    pq.write_table(empty, tmp_path / "e.parquet")
    for path in (write("e.csv", f"{key},size\n"), tmp_path / "e.parquet"):
        with pytest.raises(DataError, match=f"{path.name} has no rows$"):
            ingest(store, path)
    assert store.table_names() == []
    full = write("f.csv", f"{key},size\na,1\n")
    ingest(store, full)
    with pytest.raises(DataError, match=r"has no rows$"):  # also where the table has rows already
        ingest(store, tmp_path / "e.csv")
    for files in ([full, tmp_path / "e.csv"], [tmp_path / "e.parquet", full]):  # among others it may stand
        ingest(store, files, options=IngestOptions(replace=True))
        (table_name,) = store.table_names()
        assert table(store, table_name)[0]["size"] == 1
