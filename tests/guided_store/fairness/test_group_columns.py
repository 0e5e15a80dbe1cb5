from __future__ import annotations

import pyarrow as pa
import pytest
from judged_by_hand import build_cases

from guided_store.errors import UsageError
from guided_store.fairness import item_columns, user_columns
from guided_store.store import create


@pytest.fixture
def cases():
    return build_cases([[number % 6, 1, 2] for number in range(60)], 6)


@pytest.fixture
def store(tmp_path):
    with create(tmp_path / "store") as made:
        yield made


def put_users(store):
    ids = [f"u{number}" for number in range(59, 0, -1)]  # another order, and u0 is not there
    store.append(
        "users",
        pa.table(
            {
                "user_id": ids,
                "gender": ["F" if int(name[1:]) % 2 else "M" for name in ids],
                "age": [int(name[1:]) for name in ids],
                "zip": [f"0{name[1:]}" for name in ids],
                "country": ["NL"] * 59,
            }
        ),
    )


def test_columns_that_divide_users_are_taken_in_the_order_of_the_rows(store, cases):
    put_users(store)
    found = user_columns(store, cases)
    assert list(found) == ["gender", "age"]  # no postal codes, and no single country
    gender = found["gender"]
    assert not gender.member[0].any()
    assert gender.member[1].tolist() == [True, False]
    assert gender.member[2].tolist() == [False, True]
    assert len(found["age"].labels) == 4


def test_columns_are_taken_as_asked_for(store, cases):
    put_users(store)
    found = user_columns(store, cases, ["age:18:40", "zip"])
    assert found["age"].labels == ("below 18", "18 to below 40", "40 and more")
    assert found["age"].member.sum(axis=0).tolist() == [17, 22, 20]
    assert found["zip"].labels[-1] == "(other)"


def test_without_a_table_there_are_no_groups(store, cases):
    assert user_columns(store, cases) == {}
    assert item_columns(store, cases) == {}
    with pytest.raises(UsageError, match="no users table to take 'age' from"):
        user_columns(store, cases, ["age"])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("hight", "the users have no column 'hight'; there are: gender, age, zip, country"),
        ("user_id", "no column 'user_id'"),
        ("age:old", "'old' is no number"),
        ("gender:3", "'gender' holds other things than numbers"),
    ],
)
def test_a_wrong_column_is_one_sentence(store, cases, wanted, message):
    put_users(store)
    with pytest.raises(UsageError, match=message):
        user_columns(store, cases, [wanted])


def test_genres_are_parted_and_lists_are_taken(store, cases):
    ids = [f"i{code}" for code in range(5)]
    store.append(
        "items",
        pa.table(
            {
                "item_id": ids,
                "title": list("abcde"),
                "text": pa.nulls(5, pa.string()),
                "genres": ["Comedy|Drama", "Drama", "Comedy", None, "Drama"],
                "tags": pa.array([["x", "y"], ["x"], ["y"], [], None], pa.list_(pa.string())),
                "asin": [f"B{code}" for code in range(5)],
                "year": [1990, 1990, 2000, None, 2001],
            }
        ),
    )
    found = item_columns(store, cases, ["genres", "tags", "year"])
    assert found["genres"].labels == ("Comedy", "Drama")
    assert found["genres"].member[:, 1].tolist() == [True, True, False, False, True, False]
    assert found["tags"].member.sum(axis=0).tolist() == [2, 2]
    assert found["year"].labels == ("1990", "2000", "2001")
    assert {"genres", "tags", "year"} <= set(item_columns(store, cases))
    assert "title" not in item_columns(store, cases)
