"""`recommend`, `explain`, `profile`, `similar`: ask a trained version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import settings
from cli._options import At, Repeats, SplitKind, assignments, item_ids, make_split
from cli._output import Json, console, print_json, show, unicode_output
from cli._pick import AnyVersion, Version, pick_embedding, pick_version
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.retrieval import Recommendations, Recommender
    from guided_store.store import Store

PANEL = "Recommend"

Items = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID,...",
        help="A history given outright, oldest first: one line of CSV, where quotes protect commas "
        "('a,\"b,c\"'); may be given several times.",
    ),
]
UserOption = Annotated[str | None, typer.Option(metavar="ID", help="A user of the store.")]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="NAME=FACTOR",
        help="Count an attribute more (2), not at all (0), reversed (-1).",
    ),
]
Index = Annotated[
    str | None, typer.Option(metavar="NAME", help="Search this index; by default the alias's, else exactly.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (recommend, explain, profile, similar):
        app.command(rich_help_panel=PANEL)(command)


def recommend(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user of the store.")] = None,
    items: Items = None,
    version: Version = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many.")] = 10,
    weight: Weights = None,
    minimum: Annotated[
        list[str] | None,
        typer.Option("--min", metavar="NAME=SCORE", help="Only items with at least this raw score."),
    ] = None,
    maximum: Annotated[
        list[str] | None,
        typer.Option("--max", metavar="NAME=SCORE", help="Only items with at most this raw score."),
    ] = None,
    repeats: Annotated[
        Repeats | None, typer.Option(help="Whether items of the history may come again; as trained.")
    ] = None,
    index: Index = None,
    parts: Annotated[int, typer.Option(min=1, metavar="N", help="Attributes shown an item.")] = 3,
    all_users: Annotated[bool, typer.Option("--all-users", help="Lists for every user, into --out.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.parquet", help="Parquet file of --all-users.")
    ] = None,
    split: Annotated[
        SplitKind,
        typer.Option(
            help="With --all-users: read whole histories (none), or those of the test cases of a split, "
            "for evaluate --recs."
        ),
    ] = "none",
    at: At = None,
    as_json: Json = False,
) -> None:
    """The next items of a user, each score explained."""
    from guided_store.encoders import training_warnings
    from guided_store.errors import UsageError
    from guided_store.retrieval import write_recommendations

    chosen = settings(ctx)
    weights, at_least, at_most = (
        assignments(weight or (), "--weight"),
        assignments(minimum or (), "--min"),
        assignments(maximum or (), "--max"),
    )
    if all_users != (out is not None):
        raise UsageError("--all-users and --out FILE belong together")
    if all_users and (user is not None or items is not None):
        raise UsageError("--all-users takes no user and no --items")
    if not all_users and (split != "none" or at is not None):
        raise UsageError("--split and --at belong to --all-users")
    if not all_users and (user is None) == (not items):
        raise UsageError("name a user, or give a history by --items a,b,c (one of the two)")
    with chosen.open() as store:
        recommender = _load(store, version, index, repeats)
        if out is not None:
            cases = make_split(recommender.sequences, split, at)
            if split != "none":
                for warning in training_warnings(store, recommender.embedding.ref, cases):
                    typer.echo(f"warning: {warning}", err=True)
            written = write_recommendations(
                recommender,
                out,
                k=k,
                weights=weights,
                minimum=at_least,
                maximum=at_most,
                split=None if split == "none" else cases,
                progress=chosen.progress(),
            )
            if as_json:
                version_ref = str(recommender.embedding.ref)
                print_json({"file": str(out), "version": version_ref, **written.to_dict()})
                return
            show(f"wrote {written.rows:,} rows (user_id, rank, item_id, score, source) to {out}")
            if written.users_without_list:
                without = f"{written.users_without_list:,} of {counted(written.users, 'user')}"
                show(f"note: {without} got no list: nothing is within the limits and outside the history")
            return
        found = recommender.recommend(
            user,
            item_ids(items),
            k=k,
            weights=weights,
            minimum=at_least,
            maximum=at_most,
        )
    if as_json:
        print_json({"user": user, **found.to_dict()})
        return
    whom = f"user {user}" if user is not None else f"a history of {len(found.history)} items"
    show_list(found, f"For {whom}, by {found.version}", parts)


def explain(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id.")],
    user: UserOption = None,
    items: Items = None,
    version: Version = None,
    weight: Weights = None,
    repeats: Annotated[
        Repeats | None, typer.Option(help="Whether items of the history count in the ranking; as trained.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every term of one item's score for a user."""
    from cli._render import term_table

    chosen = settings(ctx)
    with chosen.open() as store:
        recommender = _load(store, version, None, repeats)
        found = recommender.explain(
            item,
            user,
            item_ids(items),
            weights=assignments(weight or (), "--weight"),
        )
    if as_json:
        print_json({"user": user, **found.to_dict()})
        return
    row = found.recommendation
    whom = f"user {user}" if user is not None else "this history"
    show(f"{row.title or row.item_id} for {whom}, by {found.version}")
    seen = " (it is in the history already)" if found.seen else ""
    show(f"rank {row.rank:,} of {found.candidates:,} candidates{seen}")
    if row.terms:
        show(f"attributes carry {found.attribute_share:.0%} of attributes and latent part together")
    _name_skipped(found.skipped)
    show("", term_table(row, width=console().width, blocks=unicode_output()))
    if any(term.imputed for term in row.terms):
        show("", "(mean): never scored, the attribute's mean stands in")


def profile(
    ctx: typer.Context,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A user of the store.")] = None,
    items: Items = None,
    version: Version = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also the user's own attribute vector, and which items moved it."),
    ] = False,
    movers: Annotated[
        int, typer.Option(min=1, metavar="N", help="With --explain: items named for each attribute.")
    ] = 3,
    prior: Annotated[
        str | None,
        typer.Option(metavar="users/NAME", help="With --explain: where the vector starts; as trained."),
    ] = None,
    as_json: Json = False,
) -> None:
    """A user's history in attributes, and what comes next."""
    from cli._profile import say_vector
    from cli._render import profile_table
    from guided_store.errors import UsageError

    if prior is not None and not explain:
        raise UsageError("--prior belongs to --explain")
    chosen = settings(ctx)
    with chosen.open() as store:
        recommender = _load(store, version, None, "exclude")
        found = recommender.profile(user, item_ids(items), movers=movers if explain else 0, prior=prior)
    if prior is None and user is not None and recommender.priors is not None:
        prior = str(recommender.priors.ref)
    if as_json:
        print_json({"user": user, **found.to_dict()})
        return
    whom = f"User {user}" if user is not None else "This history"
    show(f"{whom} in attributes: {len(found.history):,} items read, by {found.version}")
    _name_skipped(found.skipped)
    show(
        "",
        profile_table(found, width=console().width, blocks=unicode_output()),
        "",
        "history, all: mean scores of the history and of all items; lift: their distance in standard",
        "deviations, shown as bars; asks: what one standard deviation adds to a score now",
    )
    if found.vector is not None:
        say_vector(found.vector, prior, width=console().width, blocks=unicode_output())


def similar(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id.")],
    version: AnyVersion = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many.")] = 10,
    parts: Annotated[int, typer.Option(min=1, metavar="N", help="Attributes shown an item.")] = 3,
    as_json: Json = False,
) -> None:
    """The nearest items, and what brings them near.

    Nearest by cosine, which is a sum over attributes and latent part too. No encoder is needed.
    """
    from guided_store.catalogue import load_items
    from guided_store.retrieval import similar_items
    from guided_store.versions import load_embedding, resolve

    with settings(ctx).open() as store:
        embedding = load_embedding(store, resolve(store, pick_embedding(store, version))[0])
        titles = load_items(store).titles
        found = similar_items(embedding, item, k, titles=titles)
        title = titles.get(item, item)
    if as_json:
        print_json({"item": item, "title": title, **found.to_dict()})
        return
    show_list(found, f"Nearest to {title}, by {found.version}", parts)


def _load(store: Store, version: str | None, index: str | None, repeats: Repeats | None) -> Recommender:
    from guided_store.retrieval import Recommender

    return Recommender.load(store, pick_version(store, version), index=index, repeats=repeats)


def show_list(found: Recommendations, title: str, parts: int) -> None:
    """Print a list of recommendations, each with its `parts` strongest attributes."""
    from cli._render import popular_table, recommendation_table

    show(title)
    _name_skipped(found.skipped)
    if found.reason:
        show(f"note: {found.reason}")
    if not found.items:
        return
    if found.source in {"model", "similar"}:
        table = recommendation_table(found.items, parts=parts, width=console().width, blocks=unicode_output())
    else:
        table = popular_table(found.items)
    show("", table)


def _name_skipped(skipped: tuple[str, ...]) -> None:
    if skipped:
        more = f" and {len(skipped) - 10:,} more" if len(skipped) > 10 else ""
        show(f"note: unknown to this version, not read: {', '.join(skipped[:10])}{more}")
