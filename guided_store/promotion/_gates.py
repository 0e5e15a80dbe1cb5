"""Gates: what a version must reach before an alias moves to it, as a sentence.

    gate   = metric comparison ( number | side [ ("+" | "-") number ] )
    metric = "mrr", "mrr@K", "recall@K", "ndcg@K", or a measure of lists (see `MEASURES` of `beyond`) with or
             without "@K": coverage, gini, novelty, popularity_lift, ...
    comparison = ">=", "<=", ">" or "<"
    side   = "base" or "current" (what the version is held against), a version ("refined/x") or an alias
    number = 0.16, or 0.5% (beside a side: of that side's figure; alone: a hundredth each)

Examples: `ndcg@10 >= base - 0.5%`, `recall@20 > current`, `mrr >= 0.07`, `coverage >= refined/old - 0.02`,
`gini <= production + 1%`. A minus between a side and a number stands between spaces: names have hyphens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from guided_store.beyond import MEASURES
from guided_store.errors import UsageError

Comparison = Literal[">=", "<=", ">", "<"]

OTHER = ("base", "current")
"""Names of the other side: what the version is held against, by default what the alias points to now."""

CUT = 10
"""Length of the lists of a measure that names none."""

LONGEST = 1000
"""The largest K of a gate."""

_METRIC = re.compile(r"[a-z_]+(@[0-9]+)?")
_COMPARISON = re.compile(r">=|<=|>|<")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_SIDE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_SIGN = re.compile(r"[-+−]")
_GLUED = re.compile(r"(base|current)(?=-(\d*\.\d+%?|\d+%)\s*$)")


@dataclass(frozen=True)
class Gate:
    """One gate.

    Attributes:
        text: as it was written, single spaces.
        metric: "ndcg@10", or a measure's name without its K; `k`: that K, None for the `mrr` of full lists.
        comparison: how the figure stands to what is asked.
        side: the other side, None where a number is asked.
        number: what is asked, or what is added to the side's figure; `relative`: as a share of that figure.
    """

    text: str
    metric: str
    k: int | None
    comparison: Comparison
    side: str | None
    number: float
    relative: bool

    @property
    def above(self) -> bool:
        """Whether large figures pass."""
        return self.comparison[0] == ">"

    @property
    def measure(self) -> bool:
        """Whether it asks for a measure of lists, not for one of accuracy."""
        return self.metric in MEASURES

    def holds(self, bound: float, needed: float) -> bool:
        """Whether a bound meets what is needed."""
        if self.comparison in (">=", "<="):
            return bound >= needed if self.above else bound <= needed
        return bound > needed if self.above else bound < needed


def parse_gate(text: str) -> Gate:
    """Read one gate; see the module for the grammar.

    Raises:
        UsageError: it is none; the sentence points at the place.
    """
    reader = _Reader(text)
    metric, k = _metric(reader)
    comparison = reader.take(_COMPARISON, "one of >=, <=, > and <")
    number = reader.maybe(_NUMBER)
    # A name may begin with a digit: what goes on after the number is one.
    if number and not re.match(r"[A-Za-z0-9._/-]", reader.rest[:1]):
        value, percent = _number(reader, number)
        reader.end()
        return Gate(reader.shown, metric, k, _typed(comparison), None, value / (100 if percent else 1), False)
    if number:
        reader.back(number)
    if glued := _GLUED.match(reader.rest):
        reader.at += glued.end()
        reader.fail("a space before and after the sign")
    side = reader.take(_SIDE, "a number, `base`, `current`, a version or an alias")
    value, percent = 0.0, False
    if sign := reader.maybe(_SIGN):
        value, percent = _number(reader, reader.take(_NUMBER, "a number such as 0.5%"))
        value = value if sign == "+" else -value
    reader.end("+ or - and a number" if not sign else "the end")
    return Gate(reader.shown, metric, k, _typed(comparison), side, value / (100 if percent else 1), percent)


def _metric(reader: _Reader) -> tuple[str, int | None]:
    start = reader.at
    name, at, cut = reader.take(_METRIC, "the name of a metric").partition("@")
    known = ("mrr", "recall", "ndcg", *MEASURES)
    if name not in known:
        reader.at = start
        reader.fail(f"a metric: mrr, recall@K, ndcg@K, {', '.join(MEASURES)}")
    if name in ("recall", "ndcg") and not at:
        reader.fail(f"@K, as in {name}@10")
    k = int(cut) if at else (CUT if name in MEASURES else None)
    if k is not None and not 1 <= k <= LONGEST:
        reader.fail(f"a K from 1 to {LONGEST} before this")
    return (name if name in MEASURES else f"{name}{at}{k if at else ''}"), k


def _number(reader: _Reader, text: str) -> tuple[float, bool]:
    if reader.rest[:1] == "%":
        reader.at += 1
        return float(text), True
    return float(text), False


def _typed(text: str) -> Comparison:
    known: Comparison
    for known in (">=", "<=", ">", "<"):
        if text == known:
            return known
    raise AssertionError(text)


class _Reader:
    """Goes through a gate from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = len(text) - len(text.lstrip())

    @property
    def shown(self) -> str:
        return " ".join(self.text.split())

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    def maybe(self, pattern: re.Pattern[str]) -> str:
        """What matches here, "" where nothing does; spaces before it are passed over."""
        self.at += len(self.rest) - len(self.rest.lstrip())
        found = pattern.match(self.rest)
        if found is None:
            return ""
        self.at += found.end()
        return found.group()

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        found = self.maybe(pattern)
        if not found:
            self.fail(what)
        return found

    def back(self, taken: str) -> None:
        self.at -= len(taken)

    def end(self, what: str = "the end") -> None:
        self.maybe(re.compile(""))
        if self.rest:
            self.fail(what)

    def fail(self, what: str) -> NoReturn:
        where = f"at {self.rest[:20]!r} (character {self.at + 1})" if self.rest else "at its end"
        raise UsageError(
            f"the gate {self.text!r} cannot be read {where}: {what} is expected; write it as "
            "'ndcg@10 >= current - 0.5%' or 'mrr >= 0.07'"
        )
