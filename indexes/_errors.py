"""Errors of this package; each message is one plain sentence saying what is wrong and what to do."""

import re


class VectorIndexError(Exception):
    """A request, an array or an index on disk is wrong. Base of every error raised here on purpose."""

    exit_code = 1


class IndexRequestError(VectorIndexError):
    """The kind of index asked for is unknown, its parameters are wrong, or it does not fit the vectors."""

    exit_code = 2


class IndexMismatchError(VectorIndexError):
    """The index on disk is sound, but belongs to other vectors than the ones at hand."""


def faiss_reason(error: BaseException) -> str:
    """What FAISS (or the memory allocator) says, without its source location, in one line."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    text = re.sub(r"^Error in .+ at \S+:\d+: ", "", text)
    return text.removeprefix("Error: ").rsplit("failed: ", 1)[-1].strip()
