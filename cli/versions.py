"""`versions list/show/alias`: the named embedding versions, how each came about, and names that move."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli._app import command_group
from cli._context import settings
from cli._output import Json, listing, pairs, plain, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.versions import Ref

group = command_group("Named embedding versions and their aliases.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="versions", rich_help_panel="Embeddings")


@group.command("list")
def list_(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="base, guided, refined or users.")
    ] = None,
    as_json: Json = False,
) -> None:
    """All versions, oldest first."""
    from guided_store.errors import UsageError
    from guided_store.versions import TABLES, list_aliases, list_versions

    if kind is not None and kind not in TABLES:
        raise UsageError(f"{kind!r} is not a kind of version; the kinds are {', '.join(TABLES)}")
    with settings(ctx).open() as store:
        found = list_versions(store, kind)
        aliases = list_aliases(store)
    if as_json:
        print_json(
            {
                "versions": [info.to_dict() for info in found],
                "aliases": [alias.to_dict() for alias in aliases],
            }
        )
        return
    if not found:
        of_kind = "" if kind is None else f" of kind {kind}"
        show(f"no versions{of_kind} yet; `guided-store train` or `guided-store build` makes the first")
        return
    names: dict[str, list[str]] = {}
    for alias in aliases:
        names.setdefault(str(alias.version), []).append(alias.name)
    rows = [
        (
            str(info.ref),
            f"{info.rows:,}",
            info.dim,
            ", ".join(info.parents),
            f"{info.created:%Y-%m-%d %H:%M}",
            ", ".join(names.get(str(info.ref), ())),
        )
        for info in found
    ]
    columns = ("version", "items", "dim", "made from", "created (UTC)", "alias")
    show(listing(columns, rows, right=("items", "dim")))


@group.command("show")
def show_(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="kind/name, or an alias.")],
    as_json: Json = False,
) -> None:
    """One version: its lineage, recipe, digest and figures."""
    from guided_store.versions import USERS, alias_history, get_version, list_aliases, resolve, users_ref

    with settings(ctx).open() as store:
        of_users = version.startswith(f"{USERS}/")
        ref = users_ref(version) if of_users else resolve(store, version)[0]
        info = get_version(store, ref)
        history = [alias for alias in alias_history(store) if alias.version == ref]
        current = [alias.name for alias in list_aliases(store) if alias.version == ref]
        has_encoder = store.artifact("encoders", str(ref)).is_dir()
        prefix = f"{ref}/"
        indexes = [
            name.removeprefix(prefix) for name in store.artifacts("indexes", 3) if name.startswith(prefix)
        ]
    if as_json:
        print_json(info.to_dict() | {"encoder": has_encoder, "indexes": indexes, "alias_history": history})
        return
    show(
        pairs(
            {
                "version": ref,
                "users" if of_users else "items": f"{info.rows:,}",
                "dimensions": info.dim,
                "made from": ", ".join(info.parents) or "nothing in this store",
                "created": f"{info.created:%Y-%m-%d %H:%M:%S} UTC, guided-store {info.package}",
                "digest": info.digest,
                "table version": info.table_version,
                "encoder": None if of_users else "yes" if has_encoder else f"no: {_to_encoder(ref)}",
                "indexes": None
                if of_users
                else ", ".join(indexes) or "none: an exact search in memory serves",
                "alias": ", ".join(current) or None,
            }
        )
    )
    for title, content in (("recipe", info.recipe), ("metrics", info.metrics)):
        if content:
            show("", title, pairs({f"  {key}": _told(key, value) for key, value in content.items()}))


@group.command()
def alias(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The alias.")] = None,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Where it shall point; or another alias.")
    ] = None,
    index: Annotated[str | None, typer.Option(metavar="NAME", help="Serve from this index.")] = None,
    as_json: Json = False,
) -> None:
    """Move an alias to a version, or show its history.

    Version, encoder and index move together; pointed at another alias, it takes that one's. Without VERSION
    the history is shown.
    """
    from guided_store.errors import UsageError
    from guided_store.versions import alias_history, resolve, set_alias

    if name is not None and version is not None:
        with settings(ctx).open(write=True) as store:
            ref, bound = resolve(store, version)
            made = set_alias(store, name, ref, index=index or bound)
        if as_json:
            print_json(made.to_dict())
        else:
            show(f"{made.name} -> {made.version}" + (f", index {made.index}" if made.index else ""))
        return
    if index is not None:
        raise UsageError("--index moves an alias; name the alias and the version too")
    with settings(ctx).open() as store:
        history = alias_history(store, name)
    if name is not None and not history:
        raise UsageError(f"there is no alias {name!r}; `guided-store versions alias {name} VERSION` makes it")
    if as_json:
        print_json([entry.to_dict() for entry in history])
        return
    if not history:
        show("no aliases yet; `guided-store versions alias production refined/NAME` makes one")
        return
    columns = ("alias", "version", "encoder", "index", "set (UTC)")
    rows = [
        (
            entry.name,
            entry.version,
            "yes" if entry.encoder else "no",
            entry.index,
            f"{entry.time:%Y-%m-%d %H:%M:%S}",
        )
        for entry in history
    ]
    show(listing(columns, rows))


def _to_encoder(ref: Ref) -> str:
    """How a version that has no encoder leads to one that has."""
    if ref.kind == "guided":
        return "`build refined` from it and a base, then `train --items` with that"
    return f"`train --items {ref}` makes a version with one"


def _told(key: str, value: object) -> str:
    """A value of a recipe for people: where the scores came from in full, long lists cut short."""
    if key in ("runs", "runs_of_new_items") and isinstance(value, list):
        return "; ".join(_run(run) for run in value)
    if key == "schema" and isinstance(value, dict):
        return f"{value.get('name')}, version {value.get('version')}: `--json` has it whole"
    return _short(value)


def _run(run: object) -> str:
    if not isinstance(run, dict) or "run" not in run:
        return _short(run)
    samples = run.get("samples") or 1
    parts = [
        str(run.get("model") or run.get("provider") or ""),
        counted(int(run.get("items") or 0), "item"),
        f"{samples} answers each" if samples > 1 else "",
        f"{run['stale']:,} of texts that changed since" if run.get("stale") else "",
    ]
    return f"{run['run']} ({', '.join(part for part in parts if part)})"


def _short(value: object, limit: int = 76) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]} ..."
