"""What tokens cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from guided_store.errors import UsageError
from guided_store.llm._completion import Usage

_MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens.

    Attributes:
        input, output: for the tokens sent and for the tokens of the answer (a model's thoughts among them).
        cached: for input tokens that the server had in its cache; None: as `input`.

    Raises:
        UsageError: a price is negative or no number.
    """

    input: float
    output: float
    cached: float | None = None

    def __post_init__(self) -> None:
        for name, price in (("input", self.input), ("output", self.output), ("cached", self.cached)):
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise UsageError(
                    f"the {name} price is {price}; a price is 0 or more dollars per million tokens"
                )

    def cost(self, usage: Usage) -> float:
        """US dollars for one request."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.tokens_in - usage.tokens_cached
        dollars = fresh * self.input + usage.tokens_cached * cached + usage.tokens_out * self.output
        return dollars / _MILLION

    @classmethod
    def parse(cls, text: str) -> Prices:
        """Prices from "0.25,2.00" (input, output) or "0.25,2.00,0.025" (and cached input).

        Raises:
            UsageError: another number of parts, or a part that is no price.
        """
        try:
            parts = [float(part) for part in text.split(",")]
        except ValueError:
            parts = []
        if not 2 <= len(parts) <= 3:
            raise UsageError(
                f"prices {text!r} are not understood; give dollars per million tokens as INPUT,OUTPUT or "
                "INPUT,OUTPUT,CACHED, such as 0.25,2.00"
            )
        return cls(*parts)
