"""Requests and answers on disk until they are rows of the ledger: journals of live runs, and batch jobs."""

from guided_store.journal._jobs import (
    Job,
    batch_items,
    job_folder,
    job_names,
    jobs_folder,
    parse_sent,
    read_job,
    read_jobs,
    read_sent,
    save_job,
    write_job,
)
from guided_store.journal._journal import Journal
from guided_store.journal._reading import Reading
from guided_store.journal._records import Outcome, Sent, encode
from guided_store.journal._replay import ReplayReport, Waiting, pending, replay, waiting
from guided_store.journal._rows import UNUSABLE, move, parts, question_of, to_rows
from guided_store.journal._taking import taking

__all__ = [
    "UNUSABLE",
    "Job",
    "Journal",
    "Outcome",
    "Reading",
    "ReplayReport",
    "Sent",
    "Waiting",
    "batch_items",
    "encode",
    "job_folder",
    "job_names",
    "jobs_folder",
    "move",
    "parse_sent",
    "parts",
    "pending",
    "question_of",
    "read_job",
    "read_jobs",
    "read_sent",
    "replay",
    "save_job",
    "taking",
    "to_rows",
    "waiting",
    "write_job",
]
