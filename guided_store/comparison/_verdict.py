"""What a comparison of accuracy comes to, in sentences."""

from __future__ import annotations

from guided_store.comparison._accuracy import Accuracy
from guided_store.comparison._words import MODELS, RECIPES
from guided_store.evaluation import metric_name
from guided_store.wording import counted


def question(accuracy: Accuracy) -> str:
    """Which question was asked, as a sentence without its full stop."""
    return MODELS if accuracy.question == "models" else RECIPES


def verdicts(accuracy: Accuracy) -> list[str]:
    """A sentence for each candidate: which is better by the main metric, by how much, how surely."""
    return [_verdict(accuracy, label) for label in accuracy.labels[1:]]


def _verdict(accuracy: Accuracy, label: str) -> str:
    pair = accuracy.pairs[label][accuracy.main]
    winner = accuracy.winner(label)
    if winner is None:
        said = f"neither {label} nor {accuracy.reference} is surely better"
    else:
        said = f"{winner} is better than {label if winner == accuracy.reference else accuracy.reference}"
    figures = f"{metric_name(accuracy.main)} {pair.value:.4f} against {pair.reference:.4f}"
    if pair.relative is not None:
        figures += f", {pair.relative:+.1%}"
    if pair.relative_interval is not None:
        figures += " (95 % interval {:+.1%} to {:+.1%})".format(*pair.relative_interval)
    metrics = len(accuracy.metrics)
    agreeing = sum(accuracy.winner(label, metric) == label for metric in accuracy.metrics)
    against = sum(accuracy.winner(label, metric) == accuracy.reference for metric in accuracy.metrics)
    return (
        f"{said} ({label}: {figures}, p {pair.adjusted:.4f}); of {counted(metrics, 'metric')} "
        f"{agreeing} surely better, {against} surely worse"
    )
