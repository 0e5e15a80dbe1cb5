"""The most a run may cost: a hard stop that counts what is in flight."""

from __future__ import annotations


class Budget:
    """Money of one run, in US dollars: what is spent, and what requests in flight may cost at most.

    A request is sent only after `reserve` has set aside its upper bound, so that the sum can never go beyond
    `max_cost`, whatever the requests in flight turn out to cost.

    Attributes:
        max_cost: None: no limit, `reserve` always succeeds.
        spent: settled costs, those of earlier calls included; unknown requests with their upper bound.
        reserved: upper bounds of the requests in flight.
        in_flight: how many those are.
    """

    def __init__(self, max_cost: float | None, spent: float) -> None:
        self.max_cost = max_cost
        self.spent = spent
        self.reserved = 0.0
        self.in_flight = 0

    def reserve(self, bound: float) -> bool:
        """Set `bound` aside for a request; False if it does not fit now.

        Once requests in flight are settled for less it may fit; with none in flight it never will.
        """
        if self.max_cost is not None and self.spent + self.reserved + bound > self.max_cost:
            return False
        self.reserved += bound
        self.in_flight += 1
        return True

    def settle(self, bound: float, actual: float) -> None:
        """Replace a reservation by what the request cost; `bound` itself where that was never learned."""
        self.in_flight -= 1
        # With nothing in flight nothing is reserved: rounding errors do not add up over a long run.
        self.reserved = self.reserved - bound if self.in_flight else 0.0
        self.spent += actual
