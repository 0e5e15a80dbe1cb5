"""Our SASRec as `train` trains it: `training_ours.py DATA SECONDS [fp32|bf16|auto]`."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from training_common import BLOCKS, DIM, HEADS, LENGTH, Clock, Data, ndcg_at_10, report

from guided_store.catalogue import Sequences
from guided_store.encoders import EncoderConfig, TrainingConfig, make_model
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._items import ItemTable
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._training import Trainer


class Enough(Exception):
    pass


def main() -> None:
    path, budget, precision = Path(sys.argv[1]), float(sys.argv[2]), (sys.argv[3:] or ["auto"])[0]
    torch.set_num_threads(1)
    setup = Clock()
    data = Data(path)
    sequences = Sequences(
        tuple(str(n) for n in range(data.n_users)),
        tuple(str(n) for n in range(data.n_items)),
        data.indptr,
        data.items,
    )
    model = make_model(EncoderConfig(dim=DIM, blocks=BLOCKS, heads=HEADS, max_length=LENGTH))
    model.reset(torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(1)
    table = ItemTable.learned(data.n_items, DIM, generator, item_bias=True)
    model.balance(table.vectors())
    training = TrainingConfig(loss="full", precision=precision)

    def validate(model: SequenceModel, table: ItemTable) -> dict[str, float]:
        trained, began = clock(), time.process_time()
        histories = [data.history(user) for user in range(data.n_users)]
        queries = encode_histories(model, table, histories)
        vectors, bias = table.vectors().detach().numpy(), table.bias.detach().numpy()

        def scores(users: NDArray[np.int64]) -> NDArray[np.float32]:
            return queries[users] @ vectors.T + bias

        found = ndcg_at_10(scores, data)
        report(seconds=trained, ndcg=found)
        clock.leave_out(time.process_time() - began)
        if trained > budget:
            raise Enough
        return {"ndcg@10": found}

    trainer = Trainer(model, table, sequences, training, validate=validate)
    report(setup=setup(), precision=trainer.precision)
    clock = Clock()
    with suppress(Enough):
        trainer.run()


if __name__ == "__main__":
    main()
