"""Vectors of users: what a model said of their histories, on the scale of a guided version."""

from __future__ import annotations

from typing import cast

import numpy as np

from guided_store.catalogue import load_sequences
from guided_store.errors import UsageError
from guided_store.ledger import iter_shown, need_run, read_answers, user_key
from guided_store.scoring._average import MINIMUM_COVERAGE
from guided_store.scoring._guided import guided_schema
from guided_store.store import Store
from guided_store.versions import (
    USERS,
    Ref,
    VersionInfo,
    get_version,
    need_free_name,
    parse_ref,
    write_version,
)


def build_users(
    store: Store, name: str, *, run: str, guided: str | Ref, allow_missing: bool = False
) -> VersionInfo:
    """Build `users/<name>` from a run that scored users: their side of the guided embedding.

    A row for each user that the run scored, in the order of the store: `vectors` are the scores standardised
    with the mean and deviation of the guided version, `(raw - mean_a) / deviation_a`, so that a user and an
    item speak one scale and 0 is the average item; `raw` the scores as given (NaN where missing), `imputed`
    where 0 stands in for one. `std` is the deviation between the samples of a run that has several.

    Only answers about the history as it is shown now count, so that what the recipe says of the split
    (`split_kind`, `split_digest`) is true of every row; where all events are shown (`--split none`), an
    answer about a shorter history counts until the user is asked anew.

    Args:
        store: open for writing.
        name: of the version, not taken.
        run: a run that scored users.
        guided: the items' guided version, on the same schema.
        allow_missing: accept scores for less than 80 % of the users with a training history.

    Raises:
        UsageError: no such run or one that scored items, another schema, too few users scored.
        VersionError: the name is taken; the guided version is missing or damaged.
    """
    ref = need_free_name(store, Ref(USERS, name))
    record = need_run(store, run)
    if record.users is None:
        raise UsageError(f"run {run!r} scored items, not users; `build guided` takes it")
    wanted = parse_ref(guided)
    if wanted.kind != "guided":
        raise UsageError(f"{wanted} is no guided version; name the one whose scale the users are to have")
    source = get_version(store, wanted)
    schema = guided_schema(source)
    if schema.digest != record.schema.digest:
        raise UsageError(
            f"run {run!r} scored users on another schema ({record.schema.name}) than {wanted} has "
            f"({schema.name})"
        )
    sequences = load_sequences(store)
    split = record.users.split_of(sequences)
    shown = {text.item_id for text in iter_shown(store, record) if text.data}
    user_ids = [user for user in sequences.user_ids if user_key(user) in shown]
    answers = read_answers(
        store,
        run,
        schema,
        [user_key(user) for user in user_ids],
        current_only=record.users.split != "none",
    )
    raw = answers.mean
    scored = np.flatnonzero(~np.isnan(raw).all(axis=1))
    _check_coverage(run, len(scored), len(user_ids), allow_missing)
    raw = raw[scored]
    mean, deviation = (np.array(_floats(source.recipe[key])) for key in ("mean", "deviation"))
    varies = deviation > 0
    standard = np.where(varies, (raw - mean) / np.where(varies, deviation, 1), 0)
    imputed = np.isnan(raw)
    spread = answers.spread
    recipe: dict[str, object] = {
        "method": "users' scores, standardised as the items' are",
        "run": run,
        "provider": record.provider,
        "model": record.model,
        "samples": len(answers.samples),
        "histories": record.users.to_dict(),
        "split_kind": split.kind,
        "split_digest": split.digest,
        "stale": answers.stale,
        "guided": str(wanted),
        "guided_digest": source.digest,
        "schema": schema.to_dict(),
        "schema_digest": schema.digest,
        "attributes": list(schema.names),
        "guided_columns": len(schema),
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
        "scored_users": len(scored),
        "users_with_history": len(user_ids),
        "coverage": len(scored) / len(user_ids),
        "imputed_values": int(imputed.sum()),
    }
    return write_version(
        store,
        ref,
        [user_ids[row] for row in scored],
        np.where(imputed, 0, standard).astype(np.float32),
        raw=raw.astype(np.float32),
        imputed=imputed,
        std=None if spread is None else spread[scored].astype(np.float32),
        parents=[wanted],
        recipe=recipe,
        metrics={"coverage": len(scored) / len(user_ids)},
    )


def _check_coverage(run: str, scored: int, users: int, allow_missing: bool) -> None:
    if not scored:
        raise UsageError(
            f"run {run!r} has no answer about the history of any of {users:,} users as it is shown now; go "
            f"on with `score run --run {run}`"
        )
    if scored / users < MINIMUM_COVERAGE and not allow_missing:
        raise UsageError(
            f"run {run!r} scores {scored:,} of {users:,} users with a training history "
            f"({scored / users:.1%}), less than {MINIMUM_COVERAGE:.0%}; with --allow-missing the others are "
            "left out and start from the average"
        )


def _floats(value: object) -> list[float]:
    return [float(str(entry)) for entry in cast("list[object]", value)]
