"""`versions`: the group, and `versions list` and `show`: the named versions and how each came about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cli import _versions_alias, _versions_diff, _versions_prune
from cli._app import command_group
from cli._context import settings
from cli._output import Json, listing, pairs, plain, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.versions import Ref

group = command_group("Named embedding versions and their aliases.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for module in (_versions_alias, _versions_diff, _versions_prune):
        module.add_to(group)
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
    lineage: Annotated[
        bool, typer.Option("--lineage", help="Only what it was made from, as a tree.", show_default=False)
    ] = False,
    children: Annotated[
        bool, typer.Option("--children", help="Only what was made from it, as a tree.", show_default=False)
    ] = False,
    as_json: Json = False,
) -> None:
    """One version: its lineage, recipe, digest and figures."""
    from guided_store.versions import USERS, alias_history, get_version, list_aliases

    if lineage or children:
        _show_kin(ctx, version, lineage, children, as_json)
        return
    with settings(ctx).open() as store:
        ref = _versions_diff.named(store, version)
        of_users = ref.kind == USERS
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


def _show_kin(ctx: typer.Context, version: str, lineage: bool, children: bool, as_json: bool) -> None:
    """Trees of what a version was made from and what was made from it."""
    from cli._versions_lineage import show_tree
    from guided_store.versions import ancestors, descendants

    with settings(ctx).open() as store:
        ref = _versions_diff.named(store, version)
        trees = {
            "lineage": ancestors(store, ref) if lineage else None,
            "children": descendants(store, ref) if children else None,
        }
    asked = {name: tree for name, tree in trees.items() if tree is not None}
    if as_json:
        print_json({name: tree.to_dict() for name, tree in asked.items()})
        return
    for number, (name, tree) in enumerate(asked.items()):
        if len(asked) > 1:
            show(*([""] if number else []), "made from" if name == "lineage" else "made from it")
        show_tree(tree)


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
