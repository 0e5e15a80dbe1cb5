"""The figures of a survey as tables, the same for terminal, page and files."""

from __future__ import annotations

from guided_store.evaluation import Cell, Table
from guided_store.survey._form import CLEARER, FITS
from guided_store.survey._result import CONVINCING, SurveyResult
from guided_store.wording import counted

_SHORT = {FITS: "list fits better", CLEARER: "explanations clearer", CONVINCING: "how convincing"}


def tables(result: SurveyResult) -> list[Table]:
    """Preferences, ratings, and agreement where there are several raters."""
    raters = counted(len(result.raters), "rater")
    found = [
        Table(
            "What raters prefer",
            ("question", result.a, result.b, "ties", "share", "interval", "p"),
            tuple(
                (_SHORT[one.question], one.a, one.b, one.ties, one.rate, one.interval, one.adjusted)
                for one in result.preferences
            ),
            f"Counted are histories, by the majority of {raters} ({counted(result.answers, 'answer')} to "
            f"{result.answered} of {result.histories} histories). Share: of the histories that are no tie, "
            f"those for {result.b}, with Wilson's 95 % interval; p: sign test, corrected for "
            f"{counted(len(result.preferences), 'question')} (Holm).",
            {"share": ".0%", "interval": ".0%", "p": ".4f"},
        ),
        Table(
            "How convincing the explanations are",
            ("version", "mean", "interval"),
            (
                (result.a, result.ratings.a, result.ratings.a_interval),
                (result.b, result.ratings.b, result.ratings.b_interval),
                ("difference", result.ratings.difference, result.ratings.interval),
            ),
            "From 1 (not at all) to 5 (fully), mean over answers, 95 % interval over histories.",
            {"mean": ".2f", "interval": ".2f"},
        ),
    ]
    if len(result.raters) > 1:
        rows: list[tuple[Cell, ...]] = [(_SHORT[name], alpha) for name, alpha in result.agreement.items()]
        found.append(
            Table(
                "How far raters agree",
                ("question", "alpha"),
                tuple(rows),
                "Krippendorff's alpha for interval data: 1 is perfect agreement, 0 what chance gives.",
                {"alpha": ".2f"},
            )
        )
    return found


def verdict(result: SurveyResult, level: float = 0.05) -> list[str]:
    """One sentence for each question: which version, how sure."""
    sentences = []
    for one in result.preferences:
        if one.rate is None or one.interval is None:
            sentences.append(f"{one.asked} Nobody sees a difference.")
            continue
        if one.a == one.b:
            sentences.append(f"{one.asked} Neither: {one.a} histories for each, {one.ties} ties.")
            continue
        sure = one.adjusted < level
        winner, share = (result.b, one.rate) if one.rate > 0.5 else (result.a, 1 - one.rate)
        told = f"{winner}, on {share:.0%} of the {one.a + one.b} histories that are no tie"
        sentences.append(f"{one.asked} {told if sure else f'Not sure: {told}, which chance may give'}.")
    return sentences
