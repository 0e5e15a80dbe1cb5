"""Real sentence-transformers models: a tiny one with random weights, made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.local import score_locally
from guided_store.local._embedder import load_model
from guided_store.store import Store

pytest.importorskip("sentence_transformers", reason="the extra [local] is not installed")

WORDS = (
    "a film the of is this young comedy jokes gloom tragedy rockets stars earth farm peace soldiers battle"
)
SHA = "0123456789abcdef0123456789abcdef01234567"


def _build(folder: Path, seed: int = 0) -> Path:
    """A sentence-transformers model of a few kB: one layer, 16 dimensions, random weights."""
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {token: number for number, token in enumerate([*special, ".", ":", *WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        initializer_range=0.5,
    )
    bare = folder.with_name(f"{folder.name}-bare")
    BertModel(config).save_pretrained(bare)
    fast.save_pretrained(bare)
    SentenceTransformer(str(bare), device="cpu").save(str(folder))  # it adds the pooling
    shutil.rmtree(bare)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model."""
    return _build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hub on loopback that knows no model; the cache is not read."""
    from huggingface_hub import constants

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Nothing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_catalogue_from_a_folder(
    store: Store,
    put_items: Callable[..., None],
    titles: Callable[..., list[str]],
    schema: AttributeSchema,
    tiny: Path,
    tmp_path: Path,
) -> None:
    put_items([str(row) for row in range(40)], titles(40))
    first = score_locally(store, schema, model=str(tiny), device="cpu")
    assert (first.scored, first.model, first.blind) == (40, "tiny", ())
    assert first.run.startswith("tiny-demo-")
    assert first.identity.startswith("sha256:")
    moved = shutil.copytree(tiny, tmp_path / "elsewhere" / "tiny")
    (moved / "README.md").write_text("another card", encoding="utf-8")
    second = score_locally(store, schema, model=str(moved), batch_size=7)
    assert (second.run, second.scored, second.held) == (first.run, 0, 40)
    other = score_locally(store, schema, model=str(_build(tmp_path / "other" / "tiny", seed=1)))
    assert other.scored == 40
    assert other.run != first.run


def test_batches_change_nothing(tiny: Path, titles: Callable[..., list[str]]) -> None:
    texts = [*titles(30), "comedy", "comedy jokes " * 30]
    one = load_model(str(tiny), batch_size=1, device="cpu").embedder.encode(texts)
    many = load_model(str(tiny), batch_size=64, device="cpu").embedder.encode(texts)
    assert one.dtype == np.float32
    assert one.shape == (32, 16)
    np.testing.assert_allclose(one, many, atol=1e-5)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither modules\.json nor config\.json"):
        load_model(str(tmp_path), batch_size=1, device=None)


@pytest.mark.parametrize("name", ["./nothing", "/nothing/at/all", "~/nothing-here", "a/b/c"])
def test_no_such_folder(name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no model folder {name}"):
        load_model(name, batch_size=1, device=None)


@pytest.mark.parametrize("damage", ["weights", "config", "modules"])
def test_a_damaged_model(tiny: Path, tmp_path: Path, damage: str) -> None:
    broken = shutil.copytree(tiny, tmp_path / "broken")
    if damage == "weights":
        weights = broken / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        (broken / f"{damage}.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken cannot be loaded: .") as caught:
        load_model(str(broken), batch_size=1, device="cpu")
    assert "\n" not in str(caught.value)


def test_an_unknown_device(tiny: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be loaded: .*tricorder"):
        load_model(str(tiny), batch_size=1, device="tricorder")


@pytest.mark.usefixtures("hub")
def test_an_unknown_name() -> None:
    with pytest.raises(
        UsageError, match="there is no model 'nobody/nothing': neither a folder here nor a model"
    ):
        load_model("nobody/nothing", batch_size=1, device=None)
    with pytest.raises(UsageError, match="there is no model 'no-such-model-7'"):
        load_model("no-such-model-7", batch_size=1, device=None)


def test_an_impossible_name() -> None:
    with pytest.raises(UsageError, match="neither a folder nor a possible name"):
        load_model("what is this?", batch_size=1, device=None)


def test_no_network(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the port of `discard`: nobody listens
    with pytest.raises(
        UsageError, match="nor in the local cache, and the hub cannot be asked for it"
    ) as caught:
        load_model("nobody/nothing", batch_size=1, device=None)
    assert "\n" not in str(caught.value)


def test_a_cached_model_needs_no_network(tiny: Path, tmp_path: Path) -> None:
    """In a process of its own: the library reads where its cache is when it is imported."""
    home = tmp_path / "hub" / "models--sentence-transformers--tiny"
    shutil.copytree(tiny, home / "snapshots" / SHA)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(SHA, encoding="utf-8")
    script = (
        "from guided_store.local._embedder import load_model\n"
        "model = load_model('tiny', batch_size=2, device='cpu')\n"
        "print(model.name, model.identity, model.embedder.encode(['a film']).shape)\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    environment = {name: value for name, value in environment.items() if name != "HF_HUB_CACHE"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert (
        done.stdout.split("\n")[0] == f"sentence-transformers/tiny sentence-transformers/tiny@{SHA} (1, 16)"
    ), done.stderr
