"""`build base --text`: base versions from the items' texts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORDS = ["war", "peace", "love", "storm", "ship", "judge", "court", "star", "orbit", "crime", "night", "road"]


@pytest.fixture(scope="module")
def films(terminal: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 120 films in a few words; every tenth has a title only, one not even that."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(1)
    rows = ["id,title,plot,director"]
    for row in range(120):
        title, plot = (" ".join(rng.choice(WORDS, count)) for count in (2, 5))
        rows.append(f"{row},{'' if row == 60 else title},{'' if row % 10 == 0 else plot},director {row % 7}")
    (folder / "items.csv").write_text("\n".join(rows) + "\n")
    terminal.ask(folder / "s", "ingest items --item id --title title --text plot", folder / "items.csv")
    return folder / "s"


def test_word_counts(terminal: Any, films: Path) -> None:
    made = terminal.json(films, "build base --text tfidf --dim 6 --as words")
    assert (made["version"], made["rows"], made["dim"], made["parents"]) == ("base/words", 120, 6, [])
    recipe = terminal.json(films, "versions show base/words")["recipe"]
    assert recipe["fields"] == ["title", "text"]
    assert recipe["items_without_text"] == 1
    assert recipe["items_without_text_examples"] == ["60"]


def test_a_sentence_model(terminal: Any, films: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(["?", *WORDS])}, "?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.random.default_rng(2).normal(size=(len(WORDS) + 1, 10)).astype(np.float32)
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(tmp_path / "tiny"))
    made = terminal.json(films, "build base --dim 4 --as sentences --text", tmp_path / "tiny")
    assert (made["version"], made["rows"], made["dim"]) == ("base/sentences", 120, 4)
    recipe = terminal.json(films, "versions show base/sentences")["recipe"]
    assert recipe["model"] == "tiny"
    assert recipe["model_dim"] == 10
    assert recipe["items_without_text"] == 1
    assert recipe["library"].startswith("sentence-transformers ")
    code, said = terminal.refuse(films, "build base --as wide --text", tmp_path / "tiny")
    assert code == 2
    assert "cannot take 64 components" in said


def test_columns_are_chosen_and_the_dim_has_a_default(terminal: Any, films: Path) -> None:
    result = terminal.invoke(films, "build base --text tfidf --fields text,director --as plots")
    assert result.exit_code == 0
    assert "base/plots: 120 items x 64 dimensions" in result.stdout
    assert "no text" not in result.stderr  # the director is there
    result = terminal.invoke(films, "build base --text tfidf --fields title --dim 3 --as titles")
    assert "note: 1 item has no text; its vector is zero, the average item" in result.stderr
    result = terminal.invoke(films, "build base --text tfidf --fields text --dim 3 --as texts")
    assert "note: 12 items have no text; their vectors are zero, the average item" in result.stderr


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("--as x", "give either vectors with --from FILE, or --text tfidf"),
        ("--text tfidf --from v.npy --as x", "give either vectors with --from FILE, or --text tfidf"),
        ("--text tfidf --ids ids.txt --as x", "--ids belongs to --from"),
        ("--text= --as x", "--text is empty"),
        ("--from v.npy --ids ids.txt --dim 8 --as x", "--dim and --fields belong to --text"),
        ("--from v.npy --ids ids.txt --fields title --as x", "--dim and --fields belong to --text"),
        ("--text tfidf --fields cast --as x", "no column 'cast'"),
        ("--text tfidf --dim 500 --as x", "choose a dim of at most"),
        ("--text ./nowhere --as x", "there is no model folder ./nowhere"),
    ],
)
def test_what_does_not_go_together(command: str, sentence: str, terminal: Any, films: Path) -> None:
    code, said = terminal.refuse(films, f"build base {command}")
    assert code == 2
    assert sentence in " ".join(said.split())


def test_without_scikit_learn(terminal: Any, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.feature_extraction.text", raising=False)
    code, said = terminal.refuse(films, "build base --text tfidf --as y")
    assert code == 2
    assert 'pip install "guided-store[text]"' in " ".join(said.split())
