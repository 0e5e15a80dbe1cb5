"""What a run has still to ask, item by item, without ever holding it all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from guided_store.ledger import Holdings, ItemText


@dataclass(slots=True)
class Ask:
    """One item to be scored in one sample.

    Attributes:
        text: the item and what is sent of it.
        sample: which independent repeat, from 0.
        attempt: number of the next try, from 1.
        failures: answers about this text that could not be used.
    """

    text: ItemText
    sample: int
    attempt: int
    failures: int


@dataclass(slots=True)
class Unit:
    """Items that one request asks about, all of the same sample, and what has become of it so far.

    Attributes:
        asks: the items.
        room: the answer's room, as a multiple of the usual.
        refusals: times that the server was out of order or out of reach.
        paced: times that the server found requests coming too fast.
        unknowns: times that the answer was lost.
    """

    asks: list[Ask]
    room: int = 1
    refusals: int = 0
    paced: int = 0
    unknowns: int = 0


@dataclass(slots=True)
class Tally:
    """What the items come to, in answers (items with a text x repeats).

    Attributes:
        items: items gone through; without_text: those with nothing to send.
        done: answered before; given_up: failed too often before; in_batches: wait in batch jobs.
        left: to be asked; beyond: those of them that `limit` keeps out of this call.
    """

    items: int = 0
    without_text: int = 0
    done: int = 0
    given_up: int = 0
    in_batches: int = 0
    left: int = 0
    beyond: int = 0


@dataclass(frozen=True)
class Selection:
    """Which answers are wanted.

    Attributes:
        holdings: what the run has.
        repeats, items_per_request, attempts, retry_failed, limit: as in `ScoringOptions`.
        waiting: (item, text hash, sample) that batch jobs ask about.
        set_aside: US dollars that these jobs may cost at most.
        only: ids of the items to look at; None: all.
    """

    holdings: Holdings
    repeats: int
    items_per_request: int
    attempts: int
    retry_failed: bool = False
    limit: int | None = None
    waiting: Collection[tuple[str, str, int]] = field(default_factory=frozenset)
    set_aside: float = 0.0
    only: Collection[str] | None = None

    def units(self, texts: Iterable[ItemText], tally: Tally | None = None) -> Iterator[Unit]:
        """The requests to send, made one by one as the texts come; `tally` is counted up on the way.

        A request's items share their sample. An item's samples go out together where requests hold one item:
        what a server has cached of the instructions is equally good for all.
        """
        tally = Tally() if tally is None else tally
        open_asks: list[list[Ask]] = [[] for _ in range(self.repeats)]
        taken = 0
        for text in texts:
            if self.only is not None and text.item_id not in self.only:
                continue
            tally.items += 1
            if not text.data:
                tally.without_text += 1
                continue
            wanted = self._wanted(text, tally)
            if not wanted:
                continue
            if self.limit is not None and taken >= self.limit:
                tally.beyond += len(wanted)
                tally.left += len(wanted)
                continue
            taken += 1
            tally.left += len(wanted)
            for ask in wanted:
                group = open_asks[ask.sample]
                group.append(ask)
                if len(group) == self.items_per_request:
                    yield Unit(group)
                    open_asks[ask.sample] = []
        for group in open_asks:
            if group:
                yield Unit(group)

    def _wanted(self, text: ItemText, tally: Tally) -> list[Ask]:
        held, item, text_hash = self.holdings, text.item_id, text.hash
        wanted = []
        for sample in range(self.repeats):
            if held.is_done(item, text_hash, sample):
                tally.done += 1
                continue
            failures = held.failures(item, text_hash, sample)
            if failures >= self.attempts and not self.retry_failed:
                tally.given_up += 1
            elif self.waiting and (item, text_hash, sample) in self.waiting:
                tally.in_batches += 1
            else:
                # Asked anew after being given up, an item has all its attempts again.
                failures = 0 if failures >= self.attempts else failures
                wanted.append(Ask(text, sample, held.attempts(item, sample) + 1, failures))
        return wanted


def smaller(unit: Unit, unusable: list[Ask], *, room: int) -> list[Unit]:
    """The requests that ask again about a unit's items without a usable answer.

    Where none of several could be used, they are asked in two halves: together they may be what the model or
    its filter stumbles over.
    """
    if not unusable:
        return []
    if len(unusable) < len(unit.asks) or len(unusable) == 1:
        return [Unit(unusable, room=room)]
    middle = (len(unusable) + 1) // 2
    return [Unit(unusable[:middle], room=room), Unit(unusable[middle:], room=room)]


def count(
    selection: Selection, texts: Iterable[ItemText], seen: Callable[[Unit], None] | None = None
) -> Tally:
    """Go through all work without doing any; `seen` is given each request."""
    tally = Tally()
    for unit in selection.units(texts, tally):
        if seen is not None:
            seen(unit)
    return tally
