"""One process of data-parallel runs, on data like that of the encoders' tests: `train_rank.py SETTINGS OUT`.

SETTINGS is a JSON object of settings by run; OUT gets a folder for each. Without the variables of torchrun a
process is the whole run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from guided_store.catalogue import Sequences
from guided_store.encoders import EncoderConfig, TrainingConfig, make_model
from guided_store.encoders._distributed import ALONE, Ranks, joined
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._training import Trainer


def run_rank(given: dict[str, Any], out: Path, ranks: Ranks = ALONE) -> None:
    """Train with settings and an architecture, and write weights and losses."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 15, 41)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    items = rng.integers(0, 30, indptr[-1]).astype(np.int32)
    users = tuple(f"u{number}" for number in range(41))
    sequences = Sequences(users, tuple(f"i{number}" for number in range(30)), indptr, items)
    given = dict(given)
    encoder = EncoderConfig.of(given.pop("architecture"), dim=8, blocks=1, max_length=10, dropout=0.0)
    training = TrainingConfig.from_dict(given)
    model = make_model(encoder)
    model.reset(torch.Generator().manual_seed(1))
    table = ItemTable.learned(30, 8, torch.Generator().manual_seed(2), item_bias=True)
    out.mkdir(parents=True, exist_ok=True)
    asked: list[float] = []

    def validate(_: SequenceModel, of: ItemTable) -> dict[str, float]:
        asked.append(float(of.latent.detach().norm()))
        return {"ndcg@10": 1.0 / (1 + abs(2 - len(asked)))}  # the second epoch is the best

    trainer = Trainer(
        model,
        table,
        sequences,
        training,
        validate=validate,
        checkpoint=out / "checkpoint.safetensors",
        ranks=ranks,
    )
    outcome = trainer.run()
    assert bool(asked) == ranks.first, "the first process alone validates"
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"table.{name}": value for name, value in table.state_dict().items()}
    save_file(tensors, out / f"rank{ranks.rank}.safetensors")
    report = {"losses": [row["loss"] for row in outcome.history], "best": outcome.best_epoch}
    (out / f"rank{ranks.rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined("cpu") as together:
        for name, settings in json.loads(sys.argv[1]).items():
            run_rank(settings, Path(sys.argv[2]) / name, together)
