"""Some steps of RecBole's SASRec with its CE loss and its own defaults: `training_recbole.py DATA SECONDS`.

RecBole makes one sequence of each prefix, so that a whole run is out of reach on one core. One user in
`SHARE` goes through its set-up, whose time is scaled; steps are timed until the seconds are over.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import SASRec
from training_common import BLOCKS, DIM, HEADS, LENGTH, Clock, Data, report

SHARE = 12


def write_atomic(data: Data, folder: Path) -> None:
    """RecBole's own file layout, with the validation event and one more for its test set."""
    folder.mkdir()
    lines = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user in range(0, data.n_users, SHARE):
        events = [*data.history(user), data.valid[user], data.valid[user]]
        lines += [f"{user}\t{item}\t{place}" for place, item in enumerate(events)]
    # every item once, so that the softmax has all of them
    lines += [f"all\t{item}\t{item}" for item in range(data.n_items)]
    (folder / f"{folder.name}.inter").write_text("\n".join(lines))


def main() -> None:
    path, budget = Path(sys.argv[1]), float(sys.argv[2])
    torch.set_num_threads(1)
    data = Data(path)
    with tempfile.TemporaryDirectory() as place:
        write_atomic(data, Path(place) / "part")
        sys.argv = sys.argv[:1]  # RecBole reads what stands here
        setup = Clock()
        settings = {
            "data_path": place,
            "checkpoint_dir": place,
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "MAX_ITEM_LIST_LENGTH": LENGTH,
            "n_layers": BLOCKS,
            "n_heads": HEADS,
            "hidden_size": DIM,
            "train_neg_sample_args": None,
            "loss_type": "CE",
            "use_gpu": False,
            "state": "CRITICAL",
        }
        config = Config(model="SASRec", dataset="part", config_dict=settings)
        dataset = create_dataset(config)
        train, _, _ = data_preparation(config, dataset)
        taken = setup()
    model = SASRec(config, train.dataset)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    prefixes = int(np.diff(data.indptr).sum()) - data.n_users  # of the whole data
    scale = prefixes / len(train.dataset)
    batch_size = config["train_batch_size"]
    report(setup=taken * scale, batch=batch_size, steps_in_epoch=-(-prefixes // batch_size))
    times: list[float] = []
    model.train()
    spent = Clock()
    for batch in train:
        if len(batch) < batch_size or spent() > budget:
            break
        step = Clock()
        optimizer.zero_grad()
        model.calculate_loss(batch).backward()
        optimizer.step()
        times.append(step())
    report(step=float(np.median(times)), timed=len(times), items=int(model.n_items) - 1)


if __name__ == "__main__":
    main()
