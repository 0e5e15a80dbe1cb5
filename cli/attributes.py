"""`attributes list/show/check`: which attribute schemas there are, what they say, whether they are sound."""

from __future__ import annotations

from typing import Annotated

import typer

from cli._app import command_group
from cli._context import settings
from cli._output import Json, count, listing, pairs, print_json, show

group = command_group("Attribute schemas: what an LLM scores.")

Source = Annotated[str, typer.Argument(metavar="SCHEMA", help="A bundled schema, or a TOML file.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="attributes", rich_help_panel="Attributes and scores")


@group.command("list")
def list_(as_json: Json = False) -> None:
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
        (schema.name, schema.version, schema.item, len(schema), ", ".join(schema.names)) for schema in schemas
    ]
    columns = ("schema", "version", "item", "attributes", "names")
    show(listing(columns, rows, right=("version", "attributes")))


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
    as_json: Json = False,
) -> None:
    """Whether a schema is valid, and what is weak about it.

    An invalid schema gives exit code 1; remarks alone give 0.
    """
    from guided_store.attributes import check_schema, load_schema

    schema = load_schema(source)
    scores = None
    if version is not None:
        from guided_store.errors import UsageError
        from guided_store.versions import load_embedding

        with settings(ctx).open() as store:
            embedding = load_embedding(store, version)
        if embedding.raw is None or embedding.attributes != schema.names:
            raise UsageError(f"{embedding.ref} does not hold scores on the attributes of {schema.name!r}")
        scores = embedding.raw
    remarks = check_schema(schema, scores)
    if as_json:
        print_json({"schema": schema.name, "attributes": len(schema), "remarks": remarks})
        return
    show(f"{schema.name} is valid: {count(len(schema), 'attribute')}, {count(len(remarks), 'remark')}")
    for remark in remarks:
        show(f"- {remark.message}")
