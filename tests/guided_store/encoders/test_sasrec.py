"""SASRec as it was when the first encoders were stored: same names, same start, same queries."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from guided_store.encoders import EncoderConfig, SASRec, TrainingConfig, load_encoder
from guided_store.encoders._encoder import save_encoder
from guided_store.store import create
from guided_store.versions import load_embedding, write_version

SMALL = EncoderConfig(dim=8, blocks=1, heads=2, max_length=4)
SHAPES = {
    "gain": [8],
    "position.weight": [4, 8],
    "blocks.0.norm_attention.weight": [8],
    "blocks.0.norm_attention.bias": [8],
    "blocks.0.attention.project.weight": [24, 8],
    "blocks.0.attention.project.bias": [24],
    "blocks.0.attention.out.weight": [8, 8],
    "blocks.0.attention.out.bias": [8],
    "blocks.0.norm_feed_forward.weight": [8],
    "blocks.0.norm_feed_forward.bias": [8],
    "blocks.0.feed_forward.0.weight": [32, 8],
    "blocks.0.feed_forward.0.bias": [32],
    "blocks.0.feed_forward.2.weight": [8, 32],
    "blocks.0.feed_forward.2.bias": [8],
    "norm.weight": [8],
    "norm.bias": [8],
}


def sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def small(seed: int = 0) -> SASRec:
    model = SASRec(SMALL)
    model.reset(torch.Generator().manual_seed(seed))
    return model.eval()


def test_settings_are_written_as_ever() -> None:
    assert EncoderConfig().to_dict() == {
        "dim": 64,
        "blocks": 2,
        "heads": 2,
        "max_length": 50,
        "dropout": 0.2,
        "feed_forward": 4,
        "architecture": "sasrec",
    }
    # digests of encoders and fingerprints of unfinished runs hang on these
    assert sha256(SMALL.to_dict()) == "4d8c5435b1630ddc4064d4378d7fdaead15974d8a291fde68ff0caf9e8ad1de0"
    expected = "1d61777005a9736b9e1f13580aa13d7d5d7b93b2b07a677a70f43ee751aac688"
    assert sha256(TrainingConfig().to_dict()) == expected


def test_weights_and_queries_are_as_ever() -> None:
    model = small()
    assert {name: list(value.shape) for name, value in model.state_dict().items()} == SHAPES
    sums = {"position.weight": 0.004219, "blocks.0.feed_forward.2.weight": 0.359253}
    for name, expected in sums.items():
        assert model.state_dict()[name].double().sum().item() == pytest.approx(expected, abs=1e-5)
    x = torch.linspace(-1, 1, 64).view(2, 4, 8)
    model.balance(x.view(-1, 8) * 0.3)
    with torch.no_grad():
        queries = model.last(x, torch.tensor([3, 1]))
    wanted = [
        [-1.4256616, -1.2353052, -0.6978575, -0.3028010, 0.4004912, 0.7833907, 1.1567951, 1.3209468],
        [-1.4896861, -1.2414709, -0.6674195, -0.2525763, 0.4493381, 0.8088086, 1.1444855, 1.2485201],
    ]
    torch.testing.assert_close(queries, torch.tensor(wanted), rtol=0, atol=1e-5)


def test_an_encoder_written_before_other_architectures_loads(tmp_path: Path) -> None:
    """Files by hand, as format 2 was first written."""
    vectors = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    model = small()
    config = {
        "dim": 8,
        "blocks": 1,
        "heads": 2,
        "max_length": 4,
        "dropout": 0.2,
        "feed_forward": 4,
        "architecture": "sasrec",
    }
    with create(tmp_path / "s") as store:
        write_version(store, "base/old", list("abcde"), vectors)
        embedding = load_embedding(store, "base/old")
        with store.publish("encoders", "base/old") as folder:
            save_file(model.state_dict(), folder / "model.safetensors")
            sha = hashlib.sha256((folder / "model.safetensors").read_bytes())
            sha.update(json.dumps(config, sort_keys=True).encode())
            manifest = {
                "format": 2,
                "version": "base/old",
                "version_digest": embedding.digest,
                "config": config,
                "training": {},
                "sha256": sha.hexdigest(),
            }
            (folder / "encoder.json").write_text(json.dumps(manifest))
        encoder = load_encoder(store, embedding)
        assert encoder.config == SMALL
        (query,) = encoder.encode([np.array([1, 4], np.int32)])
        with torch.no_grad():
            expected = model.last(torch.tensor(vectors[[1, 4]])[None], torch.tensor([1]))[0]
        np.testing.assert_array_equal(query, expected.numpy())
        # and what is written now is the same manifest
        save_encoder(tmp_path, encoder.manifest, model)
        assert json.loads((tmp_path / "encoder.json").read_text()) == manifest
