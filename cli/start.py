"""`init`, `status`, `doctor`: make a store, see what is in it, find out what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import Settings, settings
from cli._output import Json, listing, pairs, print_json, show, size
from guided_store.wording import counted

if TYPE_CHECKING:
    pass

PANEL = "Start"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (init, status, doctor):
        app.command(rich_help_panel=PANEL)(command)


def init(ctx: typer.Context, as_json: Json = False) -> None:
    """Create an empty store."""
    from guided_store import store

    with store.create(settings(ctx).uri) as made:
        root, identity = made.root, made.uuid
    if as_json:
        print_json({"store": str(root), "uuid": identity})
    else:
        show(f"created an empty store at {root}", f"next: {_command(settings(ctx))} ingest --help")


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """What is in the store, and how large it is."""
    from guided_store.health import store_status

    with settings(ctx).open() as store:
        found = store_status(store)
    if as_json:
        print_json(found)
        return
    show(
        pairs(
            {
                "store": found["store"],
                "disk": size(found["octets"]),
                "encoders": ", ".join(found["encoders"]) or "none",
                "indexes": ", ".join(found["indexes"]) or "none",
                "unfinished": ", ".join(found["unfinished"]) or None,
                "aliases": ", ".join(f"{name} -> {version}" for name, version in found["aliases"].items())
                or None,
            }
        )
    )
    if found["tables"]:
        columns = ("table", "rows", "fragments", "versions", "disk")
        rows = [
            (name, f"{table['rows']:,}", table["fragments"], table["versions"], size(table["octets"]))
            for name, table in found["tables"].items()
        ]
        show("", listing(columns, rows, right=columns[1:]))
    else:
        show("", f"no data yet; next: {_command(settings(ctx))} ingest --help")
    if found["embeddings"]:
        lines = [(entry["version"], f"{entry['rows']:,}", entry["dim"]) for entry in found["embeddings"]]
        show("", listing(("embedding", "items", "dim"), lines, right=("items", "dim")))


def doctor(
    ctx: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Also remove what interrupted builds left behind.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the installation and everything in the store.

    Reads all tables, and looks at the registry, the digests of all versions, encoders and indexes, and at
    aliases. Exit code 1 where there is a fault.
    """
    from guided_store.errors import GuidedStoreError
    from guided_store.health import Check, check_all

    checks = []
    if repair:
        try:
            settings(ctx).open(write=True).close()  # opening for writing cleans up
        except GuidedStoreError as error:
            checks.append(Check("fault", "repair", str(error)))
    checks += check_all(settings(ctx).uri, settings(ctx).progress())
    failed = [check for check in checks if check.state == "fault"]
    if as_json:
        print_json(checks)
    else:
        show(
            listing(
                ("", "what", "finding"),
                [(check.state, check.subject, check.finding) for check in checks],
            )
        )
        show("", f"{counted(len(failed), 'fault')} found" if failed else "no faults found")
    if failed:
        raise typer.Exit(1)


def _command(options: Settings) -> str:
    return f"guided-store --store {options.uri}" if options.named else "guided-store"
