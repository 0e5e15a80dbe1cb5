"""`demo`: the whole path on bundled films and simulated viewing histories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import settings
from cli._output import Json, print_json, show

if TYPE_CHECKING:
    from guided_store.retrieval import Recommender

FOLDER = "demo-store"

SIMULATED = """
These histories are SIMULATED: nobody watched these films. Simulated viewers follow
the attributes by construction, so a gain of refined over base on them is no evidence
of a gain on people. Refined also started from the trained base, and learned on."""

MOVIELENS = """
On real histories: download a MovieLens set from its makers (grouplens.org), then

  guided-store --store ml-1m ingest movielens path/to/ml-1m
  guided-store --store ml-1m score import films --schema films --as films-v1
  guided-store --store ml-1m train --as sasrec-64 --length 100

and on as in the README (ml-100k: score import with --match title,year)."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="Start")(demo)


def demo(
    ctx: typer.Context,
    users: Annotated[int, typer.Option(min=50, metavar="N", help="Simulated viewers.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of simulation and training.")] = 0,
    as_json: Json = False,
) -> None:
    """The whole path on real films and simulated viewers.

    Builds a store in demo-store (or where --store says): real films with the scores of a language model,
    simulated viewing histories, a base, a guided and a refined version, an index; compares base with refined,
    and prints explained recommendations. Interrupted, it goes on where it was.
    """
    from cli.evaluate import show_evaluation
    from guided_store.demo import ALIAS, BASE, REFINED, build_demo, open_demo
    from guided_store.encoders import load_scorer
    from guided_store.evaluation import evaluate, record
    from guided_store.retrieval import Recommender

    chosen = settings(ctx)
    progress = chosen.progress()

    def say(text: str) -> None:
        if not as_json:
            show(text)

    began = time.monotonic()
    with open_demo(chosen.uri if chosen.named else FOLDER, users, seed, chosen.wait) as store:
        split = build_demo(store, users, seed, say, progress)
        say("6. Which ranks the last film of each simulated viewer higher?\n")
        scorers = [load_scorer(store, ref, split)[0] for ref in (BASE, REFINED)]
        result = evaluate(split, scorers, progress=progress)
        record(store, result, f"{BASE}, {REFINED}")
        recommender = Recommender.load(store, ALIAS)
        user = _viewer(recommender)
        if as_json:
            print_json(
                {
                    "store": str(store.root),
                    "simulated": True,
                    "evaluation": result.to_dict(),
                    "user": user,
                    "recommendations": recommender.recommend(user, k=5).to_dict(),
                }
            )
            return
        show_evaluation(result, result.warnings)
        show(SIMULATED)
        name = _show_recommendations(recommender, user)
        show(f"\nDone in {time.monotonic() - began:.0f} s. The store is {store.root}; to go on, try\n")
        ask = f"guided-store --store {store.root}"
        show(f"  {ask} recommend {user} --weight {name}=0")
        show(f"  {ask} profile {user}")
        show(f"  {ask} versions list")
        show(MOVIELENS)


def _viewer(recommender: Recommender) -> str:
    """The viewer with the longest history: the one with the clearest taste to look at."""
    sequences = recommender.sequences
    return sequences.user_ids[int(sequences.lengths.argmax())]


def _show_recommendations(recommender: Recommender, user: str) -> str:
    """Print a user's last films and next ones; returns the attribute that moved the first one most."""
    from cli.recommend import show_list

    titles = recommender.titles
    last = [titles.get(item, item) for item in recommender.sequences.history(user)[-5:]]
    show(f"\n7. The next films of {user}, who last watched {'; '.join(last)}\n")
    found = recommender.recommend(user, k=5)
    show_list(found, f"For {user}, by {found.version}", 3)
    return found[0].top_terms(1)[0].name
