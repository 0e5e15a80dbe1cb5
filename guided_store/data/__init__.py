"""Bundled data files, read through `importlib.resources`."""

from guided_store.data._films import Films, films

__all__ = ["Films", "films"]
