"""`build users`: attribute vectors of users from a run that scored them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli._context import settings
from cli._options import As
from cli._output import Json, print_json, show


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `build`."""
    group.command()(users)


def users(
    ctx: typer.Context,
    as_name: As,
    run: Annotated[
        str, typer.Option(metavar="RUN", help="A run of `score run --users`.", show_default=False)
    ],
    guided: Annotated[
        str,
        typer.Option(
            metavar="guided/NAME", help="The items' version whose scale they get.", show_default=False
        ),
    ],
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Accept scores for less than 80 % of the users.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Vectors of users, from a language model's scores of their histories.

    They are where a user's own vector starts (`train --users users/NAME`, `profile --explain --prior`).
    """
    from guided_store.scoring import build_users
    from guided_store.versions import resolve

    with settings(ctx).open(write=True) as store:
        info = build_users(
            store, as_name, run=run, guided=resolve(store, guided)[0], allow_missing=allow_missing
        )
    if as_json:
        print_json(info.to_dict())
        return
    recipe = info.recipe
    show(
        f"{info.ref}: {info.rows:,} users x {info.dim} attributes on the scale of {recipe['guided']}, digest "
        f"{info.digest[:12]}"
    )
    show(f"judged by the training part of a split of kind {recipe['split_kind']}")
    missing = int(str(recipe["users_with_history"])) - info.rows
    if missing:
        show(f"note: {missing:,} users with a history have no score and start from the average")
