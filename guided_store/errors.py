"""Errors a caller can expect, and nothing else.

    GuidedStoreError            base; the command line prints its sentence and exits with 1
    ├── UsageError              the request itself is wrong (bad option, unknown name); exit code 2
    ├── DataError               an input file or its rows are wrong; names file and line
    ├── StoreError              the store cannot be opened, is damaged or is locked
    │   └── StoreLockedError    another process is writing
    ├── VersionError            an embedding version is missing, duplicated or malformed
    │   ├── UnknownVersionError no version of that name; exit code 2
    │   └── DigestMismatchError what was loaded is not what was recorded
    └── EncoderError            an encoder cannot be trained, loaded or bound to its version

`indexes` keeps its own errors (`indexes.VectorIndexError`), since it knows nothing of this package.
"""


class GuidedStoreError(Exception):
    """Base of all errors raised on purpose by this package. The message is one plain sentence."""

    exit_code = 1


class UsageError(GuidedStoreError):
    """The request itself is wrong: an unknown name, an impossible option, a missing prerequisite."""

    exit_code = 2


class DataError(GuidedStoreError):
    """An input file or its rows are wrong. The message names the file, and the line where there is one."""


class StoreError(GuidedStoreError):
    """The store cannot be opened, is damaged, or was written by an unknown format version."""


class StoreLockedError(StoreError):
    """Another process holds the writer's lock; the message says who."""


class VersionError(GuidedStoreError):
    """An embedding version is missing, exists already, or is malformed."""


class UnknownVersionError(VersionError):
    """There is no version of the name that was asked for."""

    exit_code = 2


class DigestMismatchError(VersionError):
    """Content read from disk does not have the recorded SHA-256 digest."""


class EncoderError(GuidedStoreError):
    """An encoder cannot be trained, loaded, or does not belong to the embedding version at hand."""
