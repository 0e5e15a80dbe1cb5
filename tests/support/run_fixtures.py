"""Fixtures of journal and runs: a store, a run that asks, and answers as a server would give them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from records import run_record

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.journal import Outcome, Sent
from guided_store.ledger import RunRecord, record_run
from guided_store.llm import Prices, Question, make_keys
from guided_store.store import Store, create

__all__ = ["make_answer", "make_record", "make_sent", "put_items", "record", "schema", "store"]

PutItems = Callable[..., None]
MakeRecord = Callable[..., RunRecord]
MakeSent = Callable[..., Sent]
MakeAnswer = Callable[..., Outcome]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store, open for writing."""
    with create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def schema() -> AttributeSchema:
    """Two attributes, 0..10."""
    ends = Attribute("humor", "none", "constant"), Attribute("pace", "slow", "fast")
    return AttributeSchema("demo", 1, "film", (0, 10), ends)


@pytest.fixture
def put_items(store: Store) -> PutItems:
    """Append items to the catalogue: id to title (None: no text at all)."""

    def put(titles: Mapping[str, str | None]) -> None:
        fields = [pa.field("item_id", pa.string(), nullable=False)]
        fields += [pa.field("title", pa.string()), pa.field("text", pa.string())]
        columns = [pa.array(titles, pa.string()), pa.array(titles.values(), pa.string())]
        columns.append(pa.nulls(len(titles), pa.string()))
        store.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))

    return put


@pytest.fixture
def make_record(store: Store, schema: AttributeSchema) -> MakeRecord:
    """Record a run in the store."""

    def make(run: str = "r", *, allow_unknown: bool = False, **settings: Any) -> RunRecord:
        question = Question(schema, allow_unknown)
        return record_run(
            store,
            run_record(
                schema,
                run=run,
                model="gpt-fake",
                endpoint="http://localhost:1/v1",
                prompt_hash=question.prompt_hash,
                prompt=question.system,
                allow_unknown=allow_unknown,
                settings=settings,
                created=datetime(2026, 9, 1, tzinfo=UTC),
            ),
        )

    return make


@pytest.fixture
def record(make_record: MakeRecord) -> RunRecord:
    """A recorded run named "r"."""
    return make_record()


@pytest.fixture
def make_sent() -> MakeSent:
    """A request for some items at 1 dollar per million input tokens and 2 per million output tokens."""

    def make(
        request_id: str,
        item_ids: Sequence[str] = ("a",),
        *,
        run: str = "r",
        hashes: Sequence[str] | None = None,
        attempt: int = 1,
        **fields: Any,
    ) -> Sent:
        fields = {"sample": 0, "estimate": 0.5, "prices": Prices(1.0, 2.0), "time": 1_700_000_000.0} | fields
        return Sent(
            request_id=request_id,
            run=run,
            item_ids=tuple(item_ids),
            text_hashes=tuple(hashes or [f"hash of {item}" for item in item_ids]),
            attempts=(attempt,) * len(item_ids),
            **fields,
        )

    return make


@pytest.fixture
def make_answer() -> MakeAnswer:
    """The answer to a request: one pair of scores for each item, None for an item left out."""

    def make(
        request_id: str,
        scores: Sequence[Sequence[Any] | None] = ((3, 7),),
        *,
        finish_reason: str = "stop",
        content: str | None = None,
        usage: Mapping[str, int] | None = None,
        time: float = 1_700_000_001.5,
    ) -> Outcome:
        items = [
            {"id": key, "scores": {"humor": pair[0], "pace": pair[1]}}
            for key, pair in zip(make_keys(request_id, len(scores)), scores, strict=True)
            if pair is not None
        ]
        message = {
            "role": "assistant",
            "content": json.dumps({"items": items}) if content is None else content,
        }
        counts = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        body = json.dumps(
            {
                "id": f"chatcmpl-{request_id}",
                "model": "gpt-fake-2026-01-01",
                "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
                "usage": counts if usage is None else dict(usage),
            }
        )
        return Outcome(request_id, "answer", time, 200, body, latency=0.25)

    return make
