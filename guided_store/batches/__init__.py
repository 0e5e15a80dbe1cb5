"""Batch jobs: half the price, an answer within a day, and the same ledger as a live run."""

from guided_store.batches._client import RemoteError, make_sync_client
from guided_store.batches._collect import collect_batches
from guided_store.batches._manage import Abandoned, abandon_batch, cancel_batch, list_batches
from guided_store.batches._remote import GoneError
from guided_store.batches._report import CollectReport
from guided_store.batches._submit import submit_batches
from guided_store.batches._write import MAX_BYTES, MAX_REQUESTS
from guided_store.journal import Job

__all__ = [
    "MAX_BYTES",
    "MAX_REQUESTS",
    "Abandoned",
    "CollectReport",
    "GoneError",
    "Job",
    "RemoteError",
    "abandon_batch",
    "cancel_batch",
    "collect_batches",
    "list_batches",
    "make_sync_client",
    "submit_batches",
]
