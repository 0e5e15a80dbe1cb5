"""Signs that a run is not worth going on with, or goes on differently from what its user thinks."""

from __future__ import annotations

from guided_store.llm import Usage, was_cut
from guided_store.runs._compose import Request
from guided_store.runs._retry import REJECTED, UNUSABLE_ANSWERS


class Doubts:
    """Watches the answers of one call.

    Args:
        model, where: who is asked, for sentences.
        fresh: whether the run has no usable answer yet.
    """

    def __init__(self, model: str, where: str, *, fresh: bool) -> None:
        self._model, self._where, self._fresh = model, where, fresh
        self._answers = 0
        self._usable = False
        self._rejected = 0
        self._told_of_cut = False

    def answered(self, usable: bool, reason: str) -> str | None:
        """After an answer: why to stop, where a model never once gave a usable one. `reason`: of this one."""
        self._answers += 1
        self._usable |= usable
        if not self._fresh or self._usable or self._answers < UNUSABLE_ANSWERS:
            return None
        return (
            f"none of the first {self._answers} answers of {self._model} could be used ({reason}); try "
            "another --structured, fewer --items-per-request or another model"
        )

    def rejected(self, reason: str) -> str | None:
        """After a rejected request: why to stop, where it must be the requests themselves."""
        self._rejected += 1
        if self._rejected < REJECTED or self._answers:
            return None
        return (
            f"{self._where} rejects these requests ({reason}); if it does not know the form that answers are "
            "asked in, try --structured json_object or none"
        )

    def cut(self, request: Request, usage: Usage | None) -> str | None:
        """After an answer: one warning where the server cut what it was sent and answers all the same."""
        messages = request.body["messages"]
        if self._told_of_cut or usage is None or not isinstance(messages, list):
            return None
        if not was_cut(messages, usage.tokens_in):
            return None
        self._told_of_cut = True
        return (
            f"warning: the server counted {usage.tokens_in:,} tokens where about {request.tokens_in:,} were "
            "sent: its context may be too small and the instructions cut off; raise it (Ollama: "
            "OLLAMA_CONTEXT_LENGTH), or send fewer --items-per-request or less text (--max-chars)"
        )
