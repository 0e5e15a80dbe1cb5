"""The training loop: steps, validation, early stopping, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from guided_store.catalogue import Sequences
from guided_store.encoders._batches import Batch, count_batches, touched
from guided_store.encoders._checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from guided_store.encoders._config import TrainingConfig
from guided_store.encoders._distributed import ALONE, Ranks
from guided_store.encoders._interrupt import Interrupt
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._objective import Loss, make_batches
from guided_store.encoders._optimizer import RowAdamW, make_optimizer, resolve_row_sparse
from guided_store.encoders._precision import resolve_precision
from guided_store.errors import EncoderError, UsageError
from guided_store.progress import SILENT, Progress

CHECKPOINT_EVERY = 20.0
"""Seconds of work that a kill may cost."""

SELECT_BY = "ndcg@10"

Validate = Callable[[SequenceModel, ItemTable], dict[str, float]]


@dataclass
class Outcome:
    """What a training run gives.

    Attributes:
        best_epoch: 1-based epoch whose weights are kept.
        metrics: validation metrics of that epoch (empty without validation).
        history: one dict per epoch: epoch, loss, seconds, validation metrics.
        seconds: training time over all sessions, validation included.
        stopped: "patience" or "epochs".
    """

    best_epoch: int
    metrics: dict[str, float]
    history: list[dict[str, float]]
    seconds: float
    stopped: str


class Trainer:
    """Trains one encoder and item table; `run` leaves both with the weights of the best epoch.

    All randomness comes from (seed, epoch, step), so a run that was interrupted and resumed takes the same
    steps as one that was not.

    Args:
        model, table: trained in place.
        sequences: training events over the table's items.
        config: settings.
        validate: gives validation metrics of the current weights, or None to train for all epochs.
        checkpoint: file to resume from and write to, or None.
        fingerprint: identifies data and settings; a checkpoint with another one is refused.
        progress: where to report.
        priors: float32 (U, A), what is known of each user of `sequences` beside the events, on the scale of
            the table's fixed columns, or None.
        ranks: the processes that train together, each with a trainer made alike; the first one alone calls
            `validate` and writes the checkpoint, which all of them read.

    Attributes:
        epochs, patience, batch_size: what the settings come to on this data.
        precision: "bf16" or "fp32", what they come to on this device. Weights, optimiser state and
            validation are float32 in any case.
        row_sparse: whether a step moves only the item rows it touched.

    Raises:
        UsageError: settings that do not go together.
    """

    def __init__(
        self,
        model: SequenceModel,
        table: ItemTable,
        sequences: Sequences,
        config: TrainingConfig,
        *,
        validate: Validate | None,
        checkpoint: Path | None = None,
        fingerprint: str = "",
        progress: Progress = SILENT,
        priors: NDArray[np.float32] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.model, self.table, self.sequences, self.config = model, table, sequences, config
        self._validate, self._checkpoint, self._fingerprint = validate, checkpoint, fingerprint
        self._progress, self._ranks, self._interrupt = progress, ranks, Interrupt()
        self._priors = priors
        self.row_sparse = resolve_row_sparse(config, table.n_items)
        self._optimizer = make_optimizer(model, table, config, self.row_sparse)
        self._rows = RowAdamW(table, config.weight_decay) if self.row_sparse else None
        self.precision = resolve_precision(config.precision, table.latent.device)
        self._products = torch.bfloat16 if self.precision == "bf16" else None
        self._loss = Loss(config, sequences, self._products)
        self.batch_size = config.resolve_batch(int((np.diff(sequences.indptr) > 1).sum()))
        length = model.config.max_length
        self._batches = count_batches(sequences, length, self.batch_size, config.windows)
        self.epochs = config.resolve_epochs(self._batches, model.config.objective)
        self.patience = config.resolve_patience(self.epochs)
        self._warmup = min(config.warmup, self.epochs * self._batches // 20)
        # what a checkpoint holds
        self._epoch = 0  # finished epochs
        self._in_epoch = 0  # finished steps of the current one
        self._step = 0
        self._loss_sum = 0.0
        self._epoch_seconds = 0.0
        self._best = -1.0
        self._best_epoch = 0
        self._best_state: dict[str, Tensor] = {}
        self._history: list[dict[str, float]] = []
        self._seconds = 0.0

    def run(self) -> Outcome:
        """Train until patience or epochs run out.

        Raises:
            EncoderError: the loss is not finite, or there is nothing to learn from.
            KeyboardInterrupt: after the checkpoint was written.
        """
        if not (np.diff(self.sequences.indptr) > 1).any():
            raise EncoderError("there is nothing to train on: no user has two training events")
        self._resume()
        with self._interrupt.watching(), torch.random.fork_rng(devices=[]):
            while not self._finished():
                self._run_epoch()
        if self._best_state:
            self._load(self._best_state)
        stopped = "epochs" if self._epoch >= self.epochs else "patience"
        metrics = self._history[self._best_epoch - 1] if self._history else {}
        keep = {name: value for name, value in metrics.items() if name not in {"epoch", "loss", "seconds"}}
        return Outcome(self._best_epoch, keep, self._history, self._seconds, stopped)

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint, once its result is safe."""
        if self._checkpoint is not None:
            self._checkpoint.unlink(missing_ok=True)

    # one epoch -------------------------------------------------------------------------------------------

    def _finished(self) -> bool:
        waited = self._epoch - self._best_epoch
        return self._epoch >= self.epochs or (
            self._validate is not None and self._epoch > 0 and waited >= self.patience
        )

    def _run_epoch(self) -> None:
        interrupt = self._interrupt
        rng = np.random.default_rng((self.config.seed, self._epoch))
        batches = make_batches(self.sequences, self.model.config, self.config, self.batch_size, rng)
        began = last_save = time.monotonic()
        before = self._epoch_seconds
        title = f"epoch {self._epoch + 1} of at most {self.epochs}"
        self.model.train()
        with self._progress.task(title, self._batches) as task:
            for number, batch in enumerate(batches):
                if number < self._in_epoch:
                    task.advance()
                    continue
                self._loss_sum += self._take_step(batch)
                self._in_epoch += 1
                task.advance()
                if number % 10 == 0:
                    task.note(self._note())
                now = time.monotonic()
                if interrupt.asked or now - last_save > CHECKPOINT_EVERY:
                    self._epoch_seconds = before + now - began
                    self._save()
                    last_save = now
                if interrupt.asked:
                    raise KeyboardInterrupt
        loss = self._loss_sum / max(1, self._in_epoch)
        if not np.isfinite(loss):
            raise EncoderError(
                f"the training loss became {loss} in epoch {self._epoch + 1}; try a lower --lr"
            )
        self._epoch += 1
        metrics: dict[str, float] = {}
        if self._validate is not None:
            self.model.eval()
            found = self._validate(self.model, self.table) if self._ranks.first else None
            metrics = self._ranks.agree(found)
        self._epoch_seconds = before + time.monotonic() - began
        self._close_epoch(loss, metrics)
        self._save()
        if interrupt.asked and not self._finished():
            raise KeyboardInterrupt

    def _close_epoch(self, loss: float, metrics: dict[str, float]) -> None:
        self._seconds += self._epoch_seconds
        row = {"epoch": float(self._epoch), "loss": loss, "seconds": self._epoch_seconds, **metrics}
        self._history.append(row)
        better = self._validate is None or metrics[SELECT_BY] > self._best
        if better:
            self._best = metrics.get(SELECT_BY, 0.0)
            self._best_epoch = self._epoch
            self._best_state = {name: value.detach().clone() for name, value in self._state().items()}
        shown = "  ".join(
            f"{name} {metrics[name]:.4f}" for name in (SELECT_BY, "recall@10") if name in metrics
        )
        mark = " *" if better and metrics else ""
        self._progress.log(
            f"epoch {self._epoch:3d}  loss {loss:.4f}  {shown}{mark}  {self._epoch_seconds:.1f} s"
        )
        self._in_epoch, self._loss_sum, self._epoch_seconds = 0, 0.0, 0.0

    def _note(self) -> str:
        best = f", best {SELECT_BY} {self._best:.4f}" if self._best >= 0 else ""
        return f"loss {self._loss_sum / max(1, self._in_epoch):.4f}{best}"

    def _take_step(self, batch: Batch) -> float:
        self._step += 1
        seed = self.config.seed * 1_000_003 + self._step
        torch.manual_seed(seed & 0x7FFF_FFFF_FFFF_FFFF)
        rate = self._rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        negatives, table, rows = self._loss.draw(), self.table, None
        if self._rows is not None:
            codes, batch, negatives = touched(batch, negatives)
            rows = torch.from_numpy(codes).to(table.bias.device)
            table = self._rows.part(rows)
        self._optimizer.zero_grad(set_to_none=True)
        with table.some_hidden(self.config.cold_share):
            if not self._ranks.first:  # from here on each process draws for itself
                torch.manual_seed((seed * self._ranks.size + self._ranks.rank) & 0x7FFF_FFFF_FFFF_FFFF)
            loss = self._backward(table, batch, negatives, rows)
        trained = [p for group in self._optimizer.param_groups for p in group["params"]]
        if self._rows is not None:
            trained += self._rows.moved(table)
        loss, asked = self._ranks.add_up(trained, (loss, float(self._interrupt.asked)))
        self._interrupt.asked = asked > 0
        self._optimizer.step()
        if self._rows is not None and rows is not None:
            self._rows.step(table, rows, rate)
        if self.config.delta_bound is not None:
            table.shorten(self.config.delta_bound)
        if self._rows is not None and rows is not None:
            self._rows.keep(table, rows)
        return loss

    def _backward(
        self, table: ItemTable, batch: Batch, negatives: NDArray[np.int64] | None, rows: Tensor | None
    ) -> float:
        """Gradients of this process's share of a batch; its part of the mean loss."""
        share, whole = self._ranks.share(batch), len(batch.targets)
        if not len(share.targets):
            return 0.0
        device = table.latent.device
        inputs, targets, lengths, valid = (
            torch.from_numpy(part).to(device)
            for part in (share.inputs, share.targets, share.lengths, share.valid)
        )
        drawn = None if negatives is None else torch.from_numpy(negatives).to(device)
        read = table.rows(inputs)
        prior = None
        if self._priors is not None:  # a calibration is learned: what it makes of the priors moves with it
            prior = table.calibrate(torch.from_numpy(self._priors[share.users]).to(device))
        with torch.autocast(device.type, torch.bfloat16, enabled=self._products is not None):
            queries = self.model.trained(read, lengths, valid, prior=prior)
        loss = self._loss(queries.float(), table.vectors(), table.candidates(), targets, drawn, rows)
        loss = loss * (len(targets) / whole)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _rate(self) -> float:
        """Learning rate of the current step."""
        rate = self.config.learning_rate * min(1.0, self._step / max(1, self._warmup))
        if self.config.schedule == "linear":
            done = (self._epoch + self._in_epoch / self._batches) / self.epochs
            rate *= max(0.0, 1.0 - done)
        return rate

    # checkpoints -----------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Tensor]:
        state = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        trained = {name: value for name, value in self.table.state_dict().items() if name != "fixed"}
        return state | {f"table.{name}": value for name, value in trained.items()}

    def _load(self, state: dict[str, Tensor]) -> None:
        self.model.load_state_dict(_below(state, "model."))
        self.table.load_state_dict(_below(state, "table."), strict=False)

    def _save(self) -> None:
        if self._checkpoint is None or not self._ranks.first:
            return
        tensors = dict(self._state())
        tensors |= {f"best.{name}": value for name, value in self._best_state.items()}
        tensors |= {f"optimizer.{k}": v for k, v in optimizer_tensors(self._optimizer).items()}
        if self._rows is not None:
            tensors |= {f"rows.{k}": v for k, v in self._rows.tensors().items()}
        state: dict[str, Any] = {
            "fingerprint": self._fingerprint,
            "epoch": self._epoch,
            "in_epoch": self._in_epoch,
            "step": self._step,
            "loss_sum": self._loss_sum,
            "epoch_seconds": self._epoch_seconds,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "history": self._history,
            "seconds": self._seconds,
        }
        save_checkpoint(self._checkpoint, tensors, state)

    def _resume(self) -> None:
        loaded = None if self._checkpoint is None else load_checkpoint(self._checkpoint)
        if loaded is None:
            return
        tensors, state = loaded
        if state["fingerprint"] != self._fingerprint:
            raise UsageError(
                "an unfinished training run of this name has other data or settings; give the same ones to "
                "resume it, --no-resume to discard it, or another name"
            )
        self._load(tensors)
        self._best_state = _below(tensors, "best.")
        restore_optimizer(self._optimizer, _below(tensors, "optimizer."))
        if self._rows is not None:
            self._rows.restore(_below(tensors, "rows."))
        self._epoch, self._in_epoch, self._step = state["epoch"], state["in_epoch"], state["step"]
        self._loss_sum, self._epoch_seconds = state["loss_sum"], state["epoch_seconds"]
        self._best, self._best_epoch = state["best"], state["best_epoch"]
        self._history, self._seconds = state["history"], state["seconds"]
        self._progress.log(f"resumed after epoch {self._epoch}, step {self._step}")


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
