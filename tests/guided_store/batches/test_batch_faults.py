"""Jobs that expire, fail, are cancelled or cut off: one sentence each, and nothing bought twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import guided_store.batches._remote as remote
from guided_store.batches import (
    RemoteError,
    cancel_batch,
    collect_batches,
    list_batches,
    submit_batches,
)
from guided_store.errors import UsageError
from guided_store.journal import batch_items, read_sent, save_job
from guided_store.runs import score_items

ITEMS = [f"f{n}" for n in range(20)]


@pytest.fixture(autouse=True)
def _no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "SETTLE", 0.0)


def by_item(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["item_id"] for row in rows)


# ends of a job ---------------------------------------------------------------------------------------------


def test_of_an_expired_job_only_the_missing_half_is_bought_again(
    store, schema, ask, fake_openai, ledger, asked, batches_on
) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["expired", "completed"])
    submit_batches(store, schema, ask(server))
    report = collect_batches(store)
    (job,) = report.collected
    assert (job.status, job.answered, job.refused, job.unanswered) == ("expired", 10, 0, 10)
    assert len(ledger()) == 10, "what was not answered has no row, and no price"
    assert any("10 requests were not answered and cost nothing" in line for line in report.lines())
    answered = {row["item_id"] for row in ledger()}

    (second,) = collect_batches(store, resubmit=True).resubmitted
    assert {item for sent in read_sent(store.root, second.job) for item in sent.item_ids} == set(
        ITEMS
    ) - answered
    assert collect_batches(store, resubmit=True).resubmitted == ()
    assert by_item(ledger()) == dict.fromkeys(ITEMS, 1)
    assert len(batches_on(server)) == 2
    assert len(asked(server)) == 30


def test_resubmitting_while_the_new_job_is_open_buys_nothing(
    store, schema, ask, fake_openai, batches_on
) -> None:
    server = fake_openai(batch_polls=1, batch_outcomes=["expired", "completed"])
    submit_batches(store, schema, ask(server))
    collect_batches(store)
    collect_batches(store, resubmit=True)
    assert collect_batches(store, resubmit=True).resubmitted == ()
    assert len(batches_on(server)) == 2


def test_what_was_collected_is_told_where_resubmitting_fails(store, schema, ask, fake_openai) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["expired"])
    (job,) = submit_batches(store, schema, ask(server))
    save_job(store.root, job, options={**job.options, "max_cost": 1e-6, "of_a_later_version": 1})
    report = collect_batches(store, resubmit=True)
    assert (report.rows, report.resubmitted) == (10, ())
    assert "more than --max-cost leaves" in report.faults[0]


def test_a_live_run_takes_what_an_expired_job_left(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["expired"])
    submit_batches(store, schema, ask(server))
    collect_batches(store)
    assert score_items(store, schema, ask(server)).ok == 10
    assert by_item(ledger()) == dict.fromkeys(ITEMS, 1)


def test_a_job_refused_at_validation_says_why_and_frees_its_items(
    store, schema, ask, fake_openai, ledger
) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["failed", "completed"])
    (job,) = submit_batches(store, schema, ask(server))
    report = collect_batches(store)
    (refused,) = report.refused
    assert refused.state == "failed"
    assert "Enqueued token limit reached" in (refused.fault or "")
    assert any("Enqueued token limit reached" in line for line in report.lines())
    assert ledger() == []
    assert batch_items(store, job.run) == set()
    assert [job.items for job in collect_batches(store, resubmit=True).resubmitted] == [20]
    collect_batches(store)
    assert by_item(ledger()) == dict.fromkeys(ITEMS, 1)


def test_a_bad_line_is_named_with_its_number(store, schema, ask, fake_openai) -> None:
    from openai.types import Batch

    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server))
    told = {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1"}
    told |= {"completion_window": "24h", "created_at": 1, "status": "failed"}
    bad = [{"code": "invalid_json_line", "line": number, "message": "Not JSON.\n"} for number in (7, 9)]
    refused = remote.adopt(store, job, Batch.model_validate({**told, "errors": {"data": bad}}))
    assert refused.fault == "the server refused the batch at line 7 of the file: Not JSON (and 1 more)"
    silent = remote.adopt(store, job, Batch.model_validate(told))
    assert silent.fault == "the server refused the batch and does not say why"
    waiting = remote.adopt(store, job, Batch.model_validate({**told, "status": "validating"}))
    assert waiting.fault is None


def test_a_completed_job_without_an_output_file(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["empty"])
    submit_batches(store, schema, ask(server))
    report = collect_batches(store)
    (job,) = report.collected
    assert (job.output_file_id, job.refused, job.unanswered) == (None, 20, 0)
    assert report.reasons == {"The model does not support this.": 20}
    assert {row["status"] for row in ledger()} == {"failed"}, "a 400 is a failed attempt, as in a live run"
    assert {row["cost"] for row in ledger()} == {0.0}


def test_a_completed_job_with_no_file_at_all(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server))
    save_job(store.root, job, status="completed")
    (collected,) = collect_batches(store).collected
    assert (collected.answered, collected.unanswered) == (0, 20)
    assert ledger() == []
    assert submit_batches(store, schema, ask(server))[0].items == 20


def test_a_cancelled_job_keeps_what_was_answered(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=100)
    (job,) = submit_batches(store, schema, ask(server))
    assert cancel_batch(store, job.job).status == "cancelling"
    (collected,) = collect_batches(store).collected
    assert (collected.status, collected.answered, collected.unanswered) == ("cancelled", 10, 10)
    assert len(ledger()) == 10
    with pytest.raises(UsageError, match="nothing to cancel"):
        cancel_batch(store, job.job)


# connections and servers -----------------------------------------------------------------------------------


def test_a_batch_whose_reply_was_lost_is_found_and_not_made_again(
    store, schema, ask, fake_openai, ledger, batches_on
) -> None:
    server = fake_openai(batch_polls=0, batch_drops={"create": 1})
    (job,) = submit_batches(store, schema, ask(server))
    assert job.state == "submitted"
    assert collect_batches(store).rows == 20
    assert len(batches_on(server)) == 1


def test_an_upload_whose_reply_was_lost_goes_on_with_the_next_call(
    store, schema, ask, fake_openai, ledger, batches_on
) -> None:
    server = fake_openai(batch_polls=0, batch_drops={"upload": 1})
    with pytest.raises(RemoteError, match="was not uploaded"):
        submit_batches(store, schema, ask(server))
    assert [job.state for job in list_batches(store)] == ["prepared"]
    assert "score batch submit" in collect_batches(store).lines()[-1]
    assert submit_batches(store, schema, ask(server))[0].state == "submitted"
    assert collect_batches(store).rows == 20
    assert len(batches_on(server)) == 1


def test_an_uploaded_file_that_expired_is_uploaded_anew(
    store, schema, ask, fake_openai, ledger, batches_on
) -> None:
    server = fake_openai(batch_polls=0, batch_drops={"upload": 1})
    with pytest.raises(RemoteError):
        submit_batches(store, schema, ask(server))
    (job,) = list_batches(store)
    save_job(store.root, job, state="uploaded", file_id="file-gone")
    with pytest.raises(RemoteError, match=f"No such File object.*score batch abandon {job.job}"):
        submit_batches(store, schema, ask(server))
    submit_batches(store, schema, ask(server))
    assert collect_batches(store).rows == 20
    assert len(batches_on(server)) == 1


def test_a_server_that_is_down_loses_nothing(store, schema, ask, fake_openai, ledger, batches_on) -> None:
    server = fake_openai()
    server.stop()
    with pytest.raises(RemoteError, match="gave no answer"):
        submit_batches(store, schema, ask(server))
    assert len(list_batches(store)) == 1
    server.start(server.port)
    submit_batches(store, schema, ask(server))
    assert len(batches_on(server)) == 1


def test_one_unreachable_job_does_not_hold_up_the_others(
    store, schema, ask, fake_openai, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "RETRIES", 0)
    good, bad = fake_openai(batch_polls=0), fake_openai(batch_polls=0)
    submit_batches(store, schema, ask(bad))
    submit_batches(store, schema, ask(good))
    bad.stop()
    with_faults = collect_batches(store)
    assert with_faults.rows == 20
    assert len(with_faults.faults) == 1
    with pytest.raises(RemoteError):
        collect_batches(store)
    assert [job.fault is not None for job in list_batches(store, refresh=True)] == [True, False]
