"""`build base/guided/refined`: embedding versions that need no training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import build_users
from cli._app import command_group
from cli._context import Settings, settings
from cli._options import As, names
from cli._output import Json, print_json, show

if TYPE_CHECKING:
    from guided_store.versions import VersionInfo

group = command_group("Embedding versions: base, guided, refined.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module, and of those beside it."""
    build_users.add_to(group)
    app.add_typer(group, name="build", rich_help_panel="Embeddings")


@group.command()
def base(
    ctx: typer.Context,
    as_name: As,
    vectors: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A .npy, or a .parquet with item_id and vector."),
    ] = None,
    ids: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Item ids of a .npy file, one a line.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="tfidf|MODEL",
            help="From the items' texts: word counts, or a sentence-transformers model (name or folder).",
        ),
    ] = None,
    dim: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Dimensions with --text; by default 64.")
    ] = None,
    fields: Annotated[
        str | None,
        typer.Option(metavar="COLUMN,...", help="Item columns --text reads; by default title and text."),
    ] = None,
    as_json: Json = False,
) -> None:
    """A base version from vectors that you bring, or from the items' texts."""
    from guided_store.embeddings import build_base_from_file
    from guided_store.errors import UsageError

    if (vectors is None) == (text is None):
        raise UsageError("give either vectors with --from FILE, or --text tfidf (or a model)")
    if text is not None and not text.strip():
        raise UsageError("--text is empty; give tfidf, or the name or folder of a model")
    if text is not None and ids is not None:
        raise UsageError("--ids belongs to --from; texts come with their items")
    if vectors is not None:
        if dim is not None or fields is not None:
            raise UsageError("--dim and --fields belong to --text; vectors from a file are taken as they are")
        with settings(ctx).open(write=True) as store:
            info = build_base_from_file(store, as_name, vectors, ids)
    else:
        assert text is not None
        info = _build_text(settings(ctx), as_name, text, 64 if dim is None else dim, names(fields) or None)
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
    guided: Annotated[str, typer.Option(metavar="guided/NAME", help="The attributes; or an alias.")],
    as_name: As,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="base/NAME",
            help="What the learned columns are reduced from; without one they start in training.",
        ),
    ] = None,
    dim: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Dimensions in all; by default those of the base, or 64."),
    ] = None,
    guided_scale: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="X", help="Size of attribute columns: 0.2; larger explains more of a score."
        ),
    ] = None,
    include: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these attributes.")] = None,
    exclude: Annotated[str | None, typer.Option(metavar="NAME,...", help="Not these attributes.")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="base/NAME", help="Text columns beside the attributes.")
    ] = None,
    text_columns: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How many; by default as many as there are attributes."),
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option(
            metavar="refined/NAME", help="Keep this trained version's rows and encoder, and add new items."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """A refined version: attributes beside learned columns.

    It is where `train --items refined/NAME` starts. With --extend, items that --guided has and a trained
    version lacks get vectors from their attributes alone, and can be recommended at once.
    """
    from guided_store.embeddings import GUIDED_SCALE, build_refined
    from guided_store.encoders import extend_refined
    from guided_store.errors import UsageError
    from guided_store.versions import resolve

    with settings(ctx).open(write=True) as store:
        attributes = resolve(store, guided)[0]
        texts = None if text is None else resolve(store, text)[0]
        if extend is not None:
            given: dict[str, object] = {"base": base, "dim": dim, "include": include, "exclude": exclude}
            given |= {"guided-scale": guided_scale}
            for name, value in (given | {"text-columns": text_columns}).items():
                if value is not None:
                    raise UsageError(f"--{name} is settled by the version that --extend names; leave it away")
            info = extend_refined(
                store, as_name, refined=resolve(store, extend)[0], guided=attributes, text=texts
            )
        else:
            info = build_refined(
                store,
                as_name,
                base=None if base is None else resolve(store, base)[0],
                guided=attributes,
                dim=dim,
                guided_scale=GUIDED_SCALE if guided_scale is None else guided_scale,
                include=names(include) or None,
                exclude=names(exclude),
                text=texts,
                text_columns=text_columns,
            )
    _print(info, as_json)
    if not as_json and extend is None:
        settings(ctx).say(f"next: guided-store train --items {info.ref} --as NAME")


def _build_text(
    chosen: Settings, name: str, text: str, dim: int, fields: Sequence[str] | None
) -> VersionInfo:
    from guided_store.embeddings import build_text_base
    from guided_store.local import build_sentence_base
    from guided_store.wording import counted

    with chosen.open(write=True) as store:
        if text == "tfidf":
            info = build_text_base(store, name, dim=dim, fields=fields)
        else:
            info = build_sentence_base(
                store, name, model=text, dim=dim, fields=fields, progress=chosen.progress()
            )
    missing = int(str(info.recipe["items_without_text"]))
    if missing:
        has, vectors = ("has", "its vector is") if missing == 1 else ("have", "their vectors are")
        chosen.say(f"note: {counted(missing, 'item')} {has} no text; {vectors} zero, the average item")
    return info


def _print(info: VersionInfo, as_json: bool) -> None:
    if as_json:
        print_json(info.to_dict())
        return
    made = f" from {' and '.join(info.parents)}" if info.parents else ""
    show(f"{info.ref}: {info.rows:,} items x {info.dim} dimensions{made}, digest {info.digest[:12]}")
    recipe = info.recipe
    if "guided_columns" in recipe and "latent_columns" in recipe:
        texts = f", {recipe['text_columns']} text" if recipe.get("text_columns") else ""
        new = f"; {recipe['new_items']:,} new items" if "new_items" in recipe else ""
        learned = f"{recipe['latent_columns']} latent dimensions"
        show(f"{recipe['guided_columns']} attributes{texts} and {learned}{new}")
    unknown = recipe.get("ids_not_in_catalogue")
    if unknown:
        show(f"note: {unknown} of its ids are not in the catalogue")
