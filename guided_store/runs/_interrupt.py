"""Running the loop so that Ctrl-C and SIGTERM end it in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_interruptible(start: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], None]) -> T:
    """Run a coroutine to its end; each SIGINT or SIGTERM meanwhile calls `interrupt` in its event loop.

    The handlers that stood before are put back. Where an event loop runs already (a notebook), the coroutine
    gets a thread and a loop of its own; in a thread that is not the main one, signals are left alone.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_guarded(start, interrupt))
    return _in_thread(start, interrupt)


async def _guarded(start: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], None]) -> T:
    with _handlers(interrupt):
        return await start()


@contextlib.contextmanager
def _handlers(interrupt: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    added = []
    try:
        for number in _SIGNALS:
            try:
                loop.add_signal_handler(number, interrupt)
                added.append(number)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)
        for number, handler in before.items():
            if handler is not None:  # None: it was not set from Python
                signal.signal(number, handler)


def _in_thread(start: Callable[[], Coroutine[Any, Any, T]], interrupt: Callable[[], None]) -> T:
    result: Future[T] = Future()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> T:
        loops.append(asyncio.get_running_loop())
        return await start()

    def work() -> None:
        try:
            result.set_result(asyncio.run(main()))
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=work, name="guided-store scoring", daemon=True)
    thread.start()
    while True:
        try:
            return result.result()
        except KeyboardInterrupt:
            if result.done() or not loops:
                raise
            with contextlib.suppress(RuntimeError):  # the loop ended in this moment
                loops[0].call_soon_threadsafe(interrupt)
