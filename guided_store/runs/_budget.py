"""The most a run may cost: a hard stop that counts what is in flight."""

from __future__ import annotations

from guided_store.ledger import Holdings
from guided_store.llm import Prices, Usage
from guided_store.runs._options import ScoringOptions
from guided_store.runs._work import Selection


class Budget:
    """Money of one run, in US dollars: what is spent, and what requests in flight may cost at most.

    A request is sent only after `reserve` has set aside its upper bound, so that the sum can never go beyond
    `max_cost`, whatever the requests in flight turn out to cost.

    Bounds follow from the limit of output tokens. A server that does not count a model's thoughts among them
    can cost more: from the first such answer on, all bounds are scaled by what it went beyond its own.

    Attributes:
        max_cost: None: no limit, `reserve` always succeeds.
        before: spent by earlier calls.
        spent: settled costs, those of earlier calls included; unknown requests with their upper bound.
        in_flight: requests that are not settled.
        factor: what bounds are multiplied by, 1 or more.
    """

    def __init__(self, max_cost: float | None, spent: float) -> None:
        self.max_cost = max_cost
        self.before = spent
        self.spent = spent
        self.in_flight = 0
        self.factor = 1.0
        self._bounds = 0.0

    @property
    def reserved(self) -> float:
        """What the requests in flight may cost at most."""
        return self._bounds * self.factor

    def reserve(self, bound: float) -> bool:
        """Set `bound` (times `factor`) aside for a request; False if it does not fit now.

        Once requests in flight are settled for less it may fit; with none in flight it never will.
        """
        most = (self._bounds + bound) * self.factor
        if self.max_cost is not None and self.spent + most > self.max_cost:
            return False
        self._bounds += bound
        self.in_flight += 1
        return True

    def settle(self, bound: float, actual: float) -> bool:
        """Replace a reservation by what the request cost: its upper bound where that was never learned.

        Returns whether it cost more than was set aside for it.
        """
        self.in_flight -= 1
        # With nothing in flight nothing is reserved: rounding errors do not add up over a long run.
        self._bounds = self._bounds - bound if self.in_flight else 0.0
        self.spent += actual
        beyond = bound > 0 and actual > bound * self.factor * (1 + 1e-9)
        if beyond:
            self.factor = actual / bound
        return beyond


def budget_of(options: ScoringOptions, selection: Selection) -> Budget:
    """What is left of the maximum cost, with open batch jobs at their upper bounds."""
    limit = None if options.max_cost is None else options.max_cost - selection.set_aside
    return Budget(limit, spent_before(selection.holdings, options.prices))


def spent_before(holdings: Holdings, prices: Prices | None) -> float:
    """US dollars that a run has cost; answers bought without prices count by the prices of now."""
    if prices is None:
        return holdings.spent
    return holdings.spent + prices.cost(Usage(holdings.unpriced_in, holdings.unpriced_out))
