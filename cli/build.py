"""`build base/guided/refined`: embedding versions that need no training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._app import command_group
from cli._context import settings
from cli._options import As, names
from cli._output import Json, print_json, show

if TYPE_CHECKING:
    from guided_store.versions import VersionInfo

group = command_group("Embedding versions: base, guided, refined.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="build", rich_help_panel="Embeddings")


@group.command()
def base(
    ctx: typer.Context,
    vectors: Annotated[
        Path,
        typer.Option("--from", metavar="FILE", help="A .npy, or a .parquet with item_id and vector."),
    ],
    as_name: As,
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Item ids of a .npy file, one a line.")
    ] = None,
    as_json: Json = False,
) -> None:
    """A base version from vectors that you bring."""
    from guided_store.embeddings import build_base_from_file

    with settings(ctx).open(write=True) as store:
        info = build_base_from_file(store, as_name, vectors, ids)
    _print(info, as_json)


@group.command()
def guided(
    ctx: typer.Context,
    as_name: As,
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA",
            help="A bundled schema, or a TOML file; by default what the run asked.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", "--runs", metavar="RUN,...", help="Which run of scores; several are averaged."),
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(
            metavar="guided/NAME", help="Keep this version's rows as they are, and add the new items."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Accept scores for less than 80 % of the items.")
    ] = False,
    as_json: Json = False,
) -> None:
    """A guided version from the scores that are in the store.

    Several runs are averaged, each with one vote, and their disagreement is kept beside the scores.
    """
    from guided_store.attributes import load_schema
    from guided_store.scoring import build_guided, choose_schema

    runs = names(run) or None
    with settings(ctx).open(write=True) as store:
        asked = choose_schema(store, runs=runs, extend=extend) if schema is None else load_schema(schema)
        info = build_guided(
            store, as_name, schema=asked, runs=runs, extend=extend, allow_missing=allow_missing
        )
    _print(info, as_json)


@group.command()
def refined(
    ctx: typer.Context,
    base: Annotated[
        str, typer.Option(metavar="base/NAME", help="What the latent part is reduced from; or an alias.")
    ],
    guided: Annotated[str, typer.Option(metavar="guided/NAME", help="The attributes; or an alias.")],
    as_name: As,
    dim: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Dimensions in all; by default those of the base.")
    ] = None,
    include: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these attributes.")] = None,
    exclude: Annotated[str | None, typer.Option(metavar="NAME,...", help="Not these attributes.")] = None,
    as_json: Json = False,
) -> None:
    """A refined version: attributes beside a reduced base.

    It is where `train --items refined/NAME` starts.
    """
    from guided_store.embeddings import build_refined
    from guided_store.versions import resolve

    with settings(ctx).open(write=True) as store:
        info = build_refined(
            store,
            as_name,
            base=resolve(store, base)[0],
            guided=resolve(store, guided)[0],
            dim=dim,
            include=names(include) or None,
            exclude=names(exclude),
        )
    _print(info, as_json)
    if not as_json:
        settings(ctx).say(f"next: guided-store train --items {info.ref} --as NAME")


def _print(info: VersionInfo, as_json: bool) -> None:
    if as_json:
        print_json(info.to_dict())
        return
    made = f" from {' and '.join(info.parents)}" if info.parents else ""
    show(f"{info.ref}: {info.rows:,} items x {info.dim} dimensions{made}, digest {info.digest[:12]}")
    recipe = info.recipe
    if "guided_columns" in recipe and "latent_columns" in recipe:
        show(f"{recipe['guided_columns']} attributes and {recipe['latent_columns']} latent dimensions")
    unknown = recipe.get("ids_not_in_catalogue")
    if unknown:
        show(f"note: {unknown} of its ids are not in the catalogue")
