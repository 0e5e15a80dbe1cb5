"""`attributes list/show/check`: which attribute schemas there are, what they say, whether they are sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import attributes_propose
from cli._app import command_group
from cli._context import settings
from cli._options import At, SplitKind, make_split
from cli._output import Json, listing, pairs, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from guided_store.attributes import AttributeSchema
    from guided_store.store import Store

group = command_group("Attribute schemas: what an LLM scores.")

Source = Annotated[str, typer.Argument(metavar="SCHEMA", help="A bundled schema, or a TOML file.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    attributes_propose.add_to(group)
    app.add_typer(group, name="attributes", rich_help_panel="Attributes and scores")


@group.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """The bundled schemas."""
    from guided_store.attributes import list_packs, load_schema

    schemas = [load_schema(name) for name in list_packs()]
    if as_json:
        print_json(
            [
                {
                    "name": schema.name,
                    "version": schema.version,
                    "item": schema.item,
                    "attributes": schema.names,
                }
                for schema in schemas
            ]
        )
        return
    rows = [
        (schema.name, schema.version, schema.item, len(schema), ", ".join(schema.hindsight))
        for schema in schemas
    ]
    columns = ("schema", "version", "item", "attributes", "marked hindsight")
    show(listing(columns, rows, right=("version", "attributes")))
    settings(ctx).say("guided-store attributes show SCHEMA says what each attribute means")


@group.command("show")
def show_(
    source: Source,
    as_toml: Annotated[bool, typer.Option("--toml", help="As a TOML file, to start your own from.")] = False,
    as_json: Json = False,
) -> None:
    """One schema: its attributes and what both ends of each mean."""
    from guided_store.attributes import load_schema

    schema = load_schema(source)
    if as_json:
        print_json(schema.to_dict() | {"digest": schema.digest})
        return
    if as_toml:
        typer.echo(schema.to_toml(), nl=False)
        return
    low, high = schema.scale
    show(
        pairs(
            {
                "schema": f"{schema.name}, version {schema.version}",
                "item": schema.item,
                "scale": f"{low:g} to {high:g}",
                "digest": schema.digest[:16],
            }
        ),
        "",
        listing(
            ("attribute", f"{low:g}", f"{high:g}", ""),
            [(a.name, a.low, a.high, "hindsight" if a.hindsight else "") for a in schema.attributes],
        ),
    )
    if schema.hindsight:
        show("", "hindsight: a scorer may know what happened later; read evaluations without these too.")


@group.command()
def check(
    ctx: typer.Context,
    source: Source,
    version: Annotated[
        str | None,
        typer.Option(metavar="guided/NAME", help="Measure the attributes on the scores of this version."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="Measure them on the scores of this run of the ledger.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Another run on the same schema, to measure agreement with."),
    ] = None,
    split: Annotated[
        SplitKind, typer.Option(help="Which events are held out when popularity is counted.")
    ] = "loo",
    at: At = None,
    as_json: Json = False,
) -> None:
    """Whether a schema is valid, and what is weak about it.

    With --version or --run, scores show attributes without variance, near-synonyms and, where the store has
    interactions, attributes that follow popularity; --against adds those that two scorings disagree on. An
    invalid schema gives exit code 1; remarks alone give 0.
    """
    from guided_store.attributes import check_schema, load_schema
    from guided_store.errors import UsageError

    schema = load_schema(source)
    if version is not None and run is not None:
        raise UsageError("--version and --run both name scores; give one of them")
    if version is None and run is None:
        if against is not None or at is not None:
            option = "--against" if against is not None else "--at"
            raise UsageError(f"{option} needs scores to compare with; name them with --version or --run")
        remarks, items, measured = check_schema(schema), None, []
    else:
        with settings(ctx).open() as store:
            ids, scores = _scores(store, schema, version, run)
            second = None if against is None else _run_scores(store, schema, against, ids)
            popularity = _popularity(store, ids, split, at)
        remarks = check_schema(schema, scores, popularity=popularity, second=second)
        items = len(ids)
        measured = ["variance", "synonyms"]
        measured += ["popularity"] if popularity is not None else []
        measured += ["agreement"] if second is not None else []
    if as_json:
        print_json(
            {
                "schema": schema.name,
                "attributes": len(schema),
                "items": items,
                "measured": measured,
                "remarks": remarks,
            }
        )
        return
    on = "" if items is None else f", measured on {counted(items, 'item')} ({', '.join(measured)})"
    show(
        f"{schema.name} is valid: {counted(len(schema), 'attribute')}, {counted(len(remarks), 'remark')}{on}"
    )
    for remark in remarks:
        show(f"- {remark.message}")


def _scores(
    store: Store, schema: AttributeSchema, version: str | None, run: str | None
) -> tuple[tuple[str, ...], NDArray[np.floating]]:
    """Item ids and raw scores of a version or of a run."""
    from guided_store.errors import UsageError

    if version is None:
        from guided_store.catalogue import load_items

        assert run is not None
        ids = load_items(store).ids
        return ids, _run_scores(store, schema, run, ids)
    from guided_store.versions import load_embedding

    embedding = load_embedding(store, version)
    if embedding.raw is None or embedding.attributes != schema.names:
        raise UsageError(f"{embedding.ref} does not hold scores on the attributes of {schema.name!r}")
    return embedding.item_ids, embedding.raw


def _run_scores(
    store: Store, schema: AttributeSchema, run: str, ids: tuple[str, ...]
) -> NDArray[np.floating]:
    from guided_store.ledger import choose_run, read_answers

    choose_run(store, run, schema.digest, schema.name)
    return read_answers(store, run, schema, ids).mean


def _popularity(
    store: Store, ids: tuple[str, ...], split: SplitKind, at: str | None
) -> NDArray[np.int64] | None:
    """Training events of each item; None where the store has no interactions."""
    from guided_store.catalogue import has_interactions, load_sequences
    from guided_store.errors import UsageError

    if not has_interactions(store):
        return None
    sequences = load_sequences(store)
    try:
        train = make_split(sequences, split, at).train
    except UsageError as error:
        raise UsageError(f"popularity cannot be counted: {error}; --split none counts all events") from None
    return train.restrict(ids).counts()
