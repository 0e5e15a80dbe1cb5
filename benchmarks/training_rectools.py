"""RecTools' SASRec with its softmax loss and its own defaults: `training_rectools.py DATA SECONDS`."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Callback
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from training_common import BATCH, BLOCKS, DIM, HEADS, LENGTH, Clock, Data, ndcg_at_10, report

warnings.filterwarnings("ignore")


def main() -> None:
    path, budget = Path(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    setup = Clock()
    data = Data(path)
    counts = np.diff(data.indptr)
    order = np.arange(len(data.items)) - np.repeat(data.indptr[:-1], counts)
    frame = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(data.n_users), counts),
            Columns.Item: data.items,
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(order, unit="s"),
        }
    )
    dataset = Dataset.construct(frame)

    class Timed(Callback):
        clock: Clock

        def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
            report(setup=setup())
            self.clock = Clock()

        def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
            trained, began = self.clock(), time.process_time()
            report(seconds=trained, ndcg=self.validate())
            self.clock.leave_out(time.process_time() - began)
            trainer.should_stop = trained > budget

        @torch.no_grad()
        def validate(self) -> float:
            net = model.torch_model.eval()
            known = model.data_preparator.item_id_map.external_ids  # in the order of its own codes
            code_of = np.zeros(data.n_items, np.int64)
            for code, name in enumerate(known):
                if name != "PAD":
                    code_of[int(name)] = code
            vectors = net.item_model.get_all_embeddings()

            def scores(users: NDArray[np.int64]) -> NDArray[np.float32]:
                x = np.zeros((len(users), LENGTH), np.int64)
                for row, user in enumerate(users):
                    newest = code_of[data.history(user)[-LENGTH:]]
                    x[row, LENGTH - len(newest) :] = newest
                queries = net.encode_sessions({"x": torch.from_numpy(x)}, vectors)[:, -1]
                found = (queries @ vectors.t()).numpy()[:, code_of]
                found[:, code_of == 0] = -np.inf  # never seen in training
                return found

            result = ndcg_at_10(scores, data)
            net.train()
            return result

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=1000,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Timed()],
        )

    model = SASRecModel(
        n_blocks=BLOCKS,
        n_heads=HEADS,
        n_factors=DIM,
        session_max_len=LENGTH,
        batch_size=BATCH,
        loss="softmax",
        get_trainer_func=trainer,
    )
    model.fit(dataset)


if __name__ == "__main__":
    main()
