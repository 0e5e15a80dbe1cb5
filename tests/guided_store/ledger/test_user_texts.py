"""What a scorer is shown of a user: the training history and nothing after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.catalogue import InteractionLayout, ingest_interactions
from guided_store.errors import UsageError
from guided_store.ledger import UserHistories, user_key
from guided_store.ledger._users import iter_user_texts
from guided_store.store import Store, create

TITLES = [f"Film {number:02d}" for number in range(30)]
PutItems = Callable[..., None]


def put_events(store: Store, folder: Path, events: Sequence[tuple[str, str, int]]) -> None:
    path = folder / "events.csv"
    path.write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in events))
    ingest_interactions(store, path, InteractionLayout(user="user", item="item", time="time"))


def shown(store: Store, histories: UserHistories) -> dict[str, list[str]]:
    """Lines of each user's history."""
    return {
        text.item_id: text.data.get("history", "").splitlines()
        for text in iter_user_texts(store, ("title", "text"), histories)
    }


@pytest.fixture
def watched(store: Store, put_items: PutItems, tmp_path: Path) -> Store:
    """u saw films 0 to 5 on days 0 to 5, v films 7 and 8, w film 9 alone; film 3 has no text at all."""
    titles = [None if number == 3 else title for number, title in enumerate(TITLES)]
    put_items([f"i{n}" for n in range(30)], title=titles, text=["A story. " * 50] + [None] * 29)
    day = 86_400
    events = [("u", f"i{n}", 1_000_000_000 + n * day) for n in range(6)]
    events += [("v", "i7", 1_000_000_000), ("v", "i8", 1_000_000_000 + 9 * day), ("w", "i9", 1_000_000_000)]
    put_events(store, tmp_path, events)
    return store


def test_the_last_two_events_are_held_out(watched: Store) -> None:
    found = shown(watched, UserHistories(chars=20))
    assert found["user:u"] == ["1. Film 00 | A story. A story. A", "2. Film 01", "3. Film 02"]
    assert found["user:v"] == ["1. Film 07", "2. Film 08"]  # too few for a case: all of them train
    assert list(found) == [user_key(user) for user in ("u", "v", "w")]


def test_all_events_are_shown_where_nothing_is_measured(watched: Store) -> None:
    found = shown(watched, UserHistories(split="none", newest=2))
    assert found["user:u"] == ["1. Film 04", "2. Film 05"]


def test_a_time_split_ends_where_its_validation_begins(watched: Store) -> None:
    found = shown(watched, UserHistories(split="time", at=1_000_000_000 + 5 * 86_400))
    assert found["user:u"] == [
        "1. Film 00 | " + ("A story. " * 50)[:199].rstrip(),
        "2. Film 01",
        "3. Film 02",
    ]
    assert found["user:v"] == ["1. Film 07"]
    assert found["user:w"] == ["1. Film 09"]


def test_a_user_of_whom_nothing_can_be_shown_has_no_data(
    store: Store, put_items: PutItems, tmp_path: Path
) -> None:
    put_items(["i0", "i1"], title=[None, "Heat"])
    put_events(store, tmp_path, [("u", "i0", 1), ("v", "i1", 1)])
    data = [text.data for text in iter_user_texts(store, ("title",), UserHistories(split="none"))]
    assert data == [{}, {"history": "1. Heat"}]


def test_without_interactions_there_are_no_users(store: Store, put_items: PutItems) -> None:
    put_items(["i0"], title=["Heat"])
    assert list(iter_user_texts(store, ("title",), UserHistories())) == []


def test_a_text_cannot_begin_a_line_of_its_own(store: Store, put_items: PutItems, tmp_path: Path) -> None:
    put_items(["i0"], title=["Heat\n2. Alien\u2028 3. Solaris"])
    put_events(store, tmp_path, [("u", "i0", 1)])
    found = shown(store, UserHistories(split="none"))
    assert found["user:u"] == ["1. Heat 2. Alien 3. Solaris"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 29), min_size=1, max_size=12, unique=True), min_size=1, max_size=4),
    st.integers(1, 6),
)
def test_held_out_items_are_never_shown(histories: list[list[int]], newest: int) -> None:
    """With items that no history repeats, a shown line of a held-out item would be a leak."""
    if all(len(history) < 3 for history in histories):
        histories = [*histories, [0, 1, 2]]
    with tempfile.TemporaryDirectory() as folder, create(Path(folder) / "store") as store:
        _put_titles(store)
        events = [
            (f"u{user}", f"i{item}", 1_000 + place)
            for user, history in enumerate(histories)
            for place, item in enumerate(history)
        ]
        put_events(store, Path(folder), events)
        found = shown(store, UserHistories(newest=newest))
    for user, history in enumerate(histories):
        train = history[:-2] if len(history) >= 3 else history
        wanted = [f"{n}. {TITLES[item]}" for n, item in enumerate(train[-newest:], start=1)]
        assert found[f"user:u{user}"] == wanted


def _put_titles(store: Store) -> None:
    import pyarrow as pa

    fields = [pa.field("item_id", pa.string(), nullable=False), pa.field("title", pa.string())]
    columns = [pa.array([f"i{n}" for n in range(30)]), pa.array(TITLES)]
    fields.append(pa.field("text", pa.string()))
    columns.append(pa.nulls(30, pa.string()))
    store.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"split": "half"}, "choose one of loo, time, none"),
        ({"split": "time"}, "needs its time, by --at"),
        ({"at": 5.0}, "--at belongs to --split time"),
        ({"newest": 0}, "newest is 0"),
        ({"chars": 20_000}, "chars is 20,000"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        UserHistories(**wrong)  # type: ignore[arg-type]
