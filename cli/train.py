"""`train`: a sequential encoder on learned, base or refined item vectors."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli._context import settings
from cli._options import As, At, Repeats, SplitKind, make_split
from cli._output import Json, print_json, show
from cli._progress import clock

_MODEL, _TRAINING, _REFINING = "Encoder", "Training", "Refinement"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="Embeddings")(train)


def train(
    ctx: typer.Context,
    as_name: As,
    items: Annotated[
        str, typer.Option(metavar="learned|VERSION", help="Where item vectors start: base/x or refined/x.")
    ] = "learned",
    split: Annotated[SplitKind, typer.Option(help="Which events are held out; none for serving.")] = "loo",
    at: At = None,
    latent: Annotated[
        Literal["trained", "frozen"], typer.Option(help="Whether the latent part of the vectors learns.")
    ] = "trained",
    repeats: Annotated[
        Repeats, typer.Option(help="Whether items of the history may come again, in validation.")
    ] = "exclude",
    dim: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Dimensions: 64, or those of --items.", rich_help_panel=_MODEL),
    ] = None,
    encoder: Annotated[
        Literal["sasrec", "gru4rec", "bert4rec"],
        typer.Option(help="What reads the histories.", rich_help_panel=_MODEL),
    ] = "sasrec",
    blocks: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Transformer blocks: 2; GRU layers: 1.", rich_help_panel=_MODEL
        ),
    ] = None,
    block: Annotated[
        Literal["prenorm", "ligr"] | None,
        typer.Option(help="Kind of transformer block; ligr has gates.", rich_help_panel=_MODEL),
    ] = None,
    heads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Attention heads: 2, or 1 for odd dimensions.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    hidden: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Width of a GRU's state; by default --dim.", rich_help_panel=_MODEL
        ),
    ] = None,
    length: Annotated[
        int, typer.Option(min=1, help="Newest events that are read.", rich_help_panel=_MODEL)
    ] = 50,
    dropout: Annotated[float, typer.Option(min=0, max=0.95, rich_help_panel=_MODEL)] = 0.2,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="At most: 40, or until there are 2,000 steps; for bert4rec four times that.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Epochs without a better validation NDCG@10: a fifth of --epochs, at least 10.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Sequences a step: 128, fewer with few users.", rich_help_panel=_TRAINING
        ),
    ] = None,
    windows: Annotated[
        Literal["last", "all"],
        typer.Option(
            help="Train on each user's newest --length events, or on all in windows.",
            rich_help_panel=_TRAINING,
        ),
    ] = "last",
    lr: Annotated[float, typer.Option(min=0, help="Learning rate.", rich_help_panel=_TRAINING)] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, rich_help_panel=_TRAINING)] = 1,
    loss: Annotated[
        Literal["auto", "full", "sampled", "gbce"],
        typer.Option(help="Softmax over all items or a sample, or gBCE.", rich_help_panel=_TRAINING),
    ] = "auto",
    negatives: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Items a step is set against: sampled, gbce.", rich_help_panel=_TRAINING
        ),
    ] = 1024,
    gbce_t: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Calibration of gBCE: 0.75.", rich_help_panel=_TRAINING),
    ] = None,
    masking: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of events hidden from bert4rec: 0.2.", rich_help_panel=_TRAINING
        ),
    ] = None,
    mask_last: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of histories with their newest event hidden alone: 0.2.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    residual: Annotated[
        bool,
        typer.Option(
            "--residual",
            help="Learned columns are what a map of the attributes does not say.",
            rich_help_panel=_REFINING,
        ),
    ] = False,
    cold_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.95,
            help="Share of items whose learned part is hidden in a step: makes new items rank.",
            rich_help_panel=_REFINING,
        ),
    ] = 0.0,
    delta_bound: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="X", help="Largest norm of a residual's learned part.", rich_help_panel=_REFINING
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Learn how much each step of an attribute counts.", rich_help_panel=_REFINING
        ),
    ] = False,
    user: Annotated[
        bool,
        typer.Option(
            "--user", help="Read the user's own attribute vector beside the items.", rich_help_panel=_REFINING
        ),
    ] = False,
    users: Annotated[
        str | None,
        typer.Option(
            metavar="users/NAME",
            help="Where the users' vectors start (build users); implies --user.",
            rich_help_panel=_REFINING,
        ),
    ] = None,
    mix: Annotated[
        bool,
        typer.Option("--mix", help="Read item vectors through a free linear map.", rich_help_panel=_REFINING),
    ] = False,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="bf16 is quicker where the hardware has it.", rich_help_panel=_TRAINING),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="By default what torch takes.", rich_help_panel=_TRAINING),
    ] = None,
    device: Annotated[str, typer.Option(help="A torch device.", rich_help_panel=_TRAINING)] = "cpu",
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with an interrupted run of this name.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Train an encoder together with item vectors.

    Both are stored as one version: base/NAME from learned or base vectors, refined/NAME from refined ones,
    whose attributes stay frozen. After Ctrl-C or a kill, the same command goes on where it was.
    """
    import torch

    from guided_store.catalogue import load_sequences
    from guided_store.encoders import EncoderConfig, TrainingConfig, first_of_all
    from guided_store.encoders import train as run
    from guided_store.progress import SILENT
    from guided_store.versions import get_version, resolve

    chosen = settings(ctx)
    if threads is not None:
        torch.set_num_threads(threads)
    first = first_of_all()  # of the processes of torchrun
    with chosen.open(write=first) as store:
        if items != "learned":
            items = str(resolve(store, items)[0])
        if dim is None:
            dim = 64 if items == "learned" else get_version(store, items).dim
        result = run(
            store,
            as_name,
            split=make_split(load_sequences(store), split, at),
            items=items,
            encoder=EncoderConfig.of(
                encoder,
                dim=dim,
                blocks=blocks,
                block=block,
                heads=heads,
                hidden=hidden,
                max_length=length,
                dropout=dropout,
                residual=residual,
                mix=mix,
                user=user or users is not None,
            ),
            training=TrainingConfig(
                loss=loss,
                negatives=negatives,
                gbce_t=gbce_t,
                masking=masking,
                mask_last=mask_last,
                learning_rate=lr,
                batch_size=batch,
                windows=windows,
                epochs=epochs,
                patience=patience,
                seed=seed,
                cold_share=cold_share,
                delta_bound=delta_bound,
                calibrate=calibrate,
                precision=precision,
            ),
            latent=latent,
            users=users,
            repeats=repeats,
            resume=resume,
            device=device,
            progress=chosen.progress() if first else SILENT,
        )
    if not first:
        return
    outcome, info = result.outcome, result.version
    if as_json:
        print_json({**info.to_dict(), "training": result.encoder.manifest.training})
        return
    show(
        f"{info.ref}: {info.rows:,} items x {info.dim} dimensions with an encoder, best of "
        f"{len(outcome.history)} epochs: {outcome.best_epoch}, in {clock(outcome.seconds)}"
    )
    figures = [
        f"{name} {outcome.metrics[name]:.4f}"
        for name in ("ndcg@10", "recall@10", "mrr")
        if name in outcome.metrics
    ]
    if figures:
        show(f"validation: {', '.join(figures)}")
    chosen.say(f"next: guided-store evaluate {info.ref}")
