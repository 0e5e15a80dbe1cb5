"""`index build/list/verify`: FAISS indexes of embedding versions."""

from __future__ import annotations

from typing import Annotated

import typer

from cli._app import command_group
from cli._context import settings
from cli._options import assignments
from cli._output import Json, listing, plain, print_json, show, size

group = command_group("Search indexes of embedding versions.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="index", rich_help_panel="Index")


@group.command()
def build(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="kind/name, or an alias.")],
    factory: Annotated[
        str, typer.Option(metavar="STRING", help="Flat (exact), HNSW32, IVF1024,SQ8 ...")
    ] = "Flat",
    search: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="Search parameters: nprobe=16, efSearch=128, k_factor=2."),
    ] = None,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Name of the index; made from the factory.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an index of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Build an index and measure its recall.

    The bias is one more column; recall is measured against exact search.
    """
    from guided_store.errors import UsageError
    from guided_store.retrieval import build_index
    from guided_store.versions import resolve

    parameters = assignments(search or (), "--search")
    if not all(value.is_integer() for value in parameters.values()):
        raise UsageError("--search takes whole numbers")
    chosen = settings(ctx)
    with chosen.open(write=True) as store:
        ref, _ = resolve(store, version)
        name, manifest = build_index(
            store,
            ref,
            factory=factory,
            search={key: int(value) for key, value in parameters.items()},
            name=as_name,
            overwrite=overwrite,
            seed=seed,
            progress=chosen.progress(),
        )
    if as_json:
        print_json({"index": name, **plain(manifest)})
        return
    show(f"{name}: {manifest.factory}, {manifest.n:,} x {manifest.dim}, {size(manifest.file_size)}")
    if manifest.recall is not None:
        recall = manifest.recall
        how = f"{recall.queries:,} queries: {recall.how}"
        show(f"recall@{recall.k} {recall.value:.4f} against exact search ({how})")
    for note in manifest.notes:
        show(f"note: {note}")


@group.command("list")
def list_(
    ctx: typer.Context,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Only those of one version.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The indexes of the store."""
    from guided_store.retrieval import list_indexes
    from guided_store.versions import resolve

    with settings(ctx).open() as store:
        found = list_indexes(store, None if version is None else resolve(store, version)[0])
    if as_json:
        print_json([{"index": name, **plain(manifest)} for name, manifest in found])
        return
    if not found:
        show("no indexes; without one, search is exact and in memory (`guided-store index build VERSION`)")
        return
    rows = [
        (
            name,
            manifest.factory,
            f"{manifest.n:,}",
            "" if manifest.recall is None else f"{manifest.recall.value:.4f}",
            size(manifest.file_size),
            manifest.created[:16].replace("T", " "),
        )
        for name, manifest in found
    ]
    columns = ("index", "factory", "items", "recall@100", "size", "created (UTC)")
    show(listing(columns, rows, right=("items", "recall@100", "size")))


@group.command()
def verify(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="INDEX", help="kind/name/index or ALIAS/index; all by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every byte of an index and its recall.

    Also that it was built from the vectors its version has now.
    """
    from guided_store.retrieval import list_indexes, resolve_index, verify_index

    results = []
    with settings(ctx).open() as store:
        chosen = (
            [resolve_index(store, name)] if name is not None else [found for found, _ in list_indexes(store)]
        )
        for each in chosen:
            manifest, recall = verify_index(store, each)
            results.append(
                {
                    "index": each,
                    "recall": recall,
                    "recall_at": min(100, manifest.n),
                    "sha256": manifest.sha256,
                }
            )
    if as_json:
        print_json(results)
        return
    if not results:
        show("no indexes to check")
    for result in results:
        show(f"{result['index']}: sound, recall@{result['recall_at']} {result['recall']:.4f}")
