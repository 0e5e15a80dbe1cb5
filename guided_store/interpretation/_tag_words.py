"""Which words of people mean which attribute."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from guided_store.errors import DataError, UsageError

BUNDLED = ("films",)


@dataclass(frozen=True)
class TagWords:
    """Tags that mean much of an attribute, and tags that mean little of it; lower case."""

    much: tuple[str, ...] = ()
    little: tuple[str, ...] = ()


def load_tag_words(source: str | Path) -> dict[str, TagWords]:
    """A bundled mapping by name ("films"), or a TOML file: a table per attribute with `much` and `little`.

        [humor]
        much = ["funny", "comedy"]

    Raises:
        UsageError: there is no such file.
        DataError: the file is not such a table.
    """
    if source in BUNDLED:
        text = (resources.files("guided_store.interpretation") / f"{source}.toml").read_text(encoding="utf-8")
        return _read(text, str(source))
    path = Path(source)
    try:
        return _read(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}, and no bundled words but {', '.join(BUNDLED)}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error})") from error


def _read(text: str, name: str) -> dict[str, TagWords]:
    try:
        content: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{name} is not TOML: {error}") from error
    found = {}
    for attribute, entry in content.items():
        if not isinstance(entry, dict) or not entry or set(entry) - {"much", "little"}:
            raise DataError(
                f"{name}: [{attribute}] must be a table with much and little, each a list of tags"
            )
        words: dict[str, tuple[str, ...]] = {}
        for key, value in entry.items():
            if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
                raise DataError(f"{name}: {key} of [{attribute}] must be a list of tags")
            words[key] = tuple(normal(word) for word in value)
        found[attribute] = TagWords(**words)
        both = set(found[attribute].much) & set(found[attribute].little)
        if both:
            raise DataError(f"{name}: {sorted(both)[0]!r} means both much and little of {attribute}")
    return found


def normal(tag: str) -> str:
    """A tag in one form: lower case, blanks and hyphens alike."""
    return " ".join(tag.casefold().replace("-", " ").split())
