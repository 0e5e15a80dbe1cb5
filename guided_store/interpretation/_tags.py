"""Attribute scores against what people wrote: tags stand in for raters.

A film that somebody tagged "funny" should have more humor by the scores than one that was tagged, but not so.
The AUC says how often that is so of two such films drawn at random. Tags are no complete judgement: a funny
film may be tagged with its actor's name alone, so that some negatives are positives nobody named, and the AUC
errs downward; and who tags, tags the well known.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import DataError, UsageError
from guided_store.evaluation import Table
from guided_store.interpretation._auc import Auc, auc
from guided_store.interpretation._tag_words import TagWords, normal
from guided_store.scoring import AttributeTable

LEAST = 5
"""Tagged items below which an attribute is not judged."""


@dataclass(frozen=True)
class ItemTags:
    """Tags of items of a catalogue, one entry for each time that a person gave a tag.

    Attributes:
        rows: row of the catalogue, int64 (T,).
        people: who tagged, T names.
        words: T tags in normal form.
        left_out: tags of items that the catalogue has not.
    """

    rows: NDArray[np.int64]
    people: tuple[str, ...]
    words: tuple[str, ...]
    left_out: int

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class TaggedAttribute:
    """One attribute and one end of it.

    Attributes:
        attribute: its name; end: "much" or "little", which of its words are meant.
        auc: of the score for `much`, of the score turned round for `little`: above 0.5 where people and
            scores agree.
        people: how many gave these tags.
        words: the tags that occur, most items first.
    """

    attribute: str
    end: str
    auc: Auc
    people: int
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {**vars(self), "auc": self.auc.to_dict(), "words": list(self.words)}


@dataclass(frozen=True)
class TagAgreement:
    """Attribute scores against tags.

    Attributes:
        source: the version of the scores; items: tagged and scored ones; tags: how many were read.
        attributes: what could be judged, highest AUC first.
        few: attribute and end -> tagged items, where these were fewer than `LEAST`.
        left_out: tags of items that the catalogue has not.
    """

    source: str
    items: int
    tags: int
    attributes: tuple[TaggedAttribute, ...]
    few: dict[str, int]
    left_out: int

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {**vars(self), "attributes": [one.to_dict() for one in self.attributes]}

    def table(self) -> Table:
        """For people, in any format."""
        rows = tuple(
            (
                one.attribute if one.end == "much" else f"{one.attribute} (little)",
                one.auc.value,
                one.auc.interval,
                one.auc.positives,
                one.people,
                ", ".join(one.words[:3]),
            )
            for one in self.attributes
        )
        few = ", ".join(f"{name} {count}" for name, count in self.few.items())
        note = (
            f"AUC of the scores of {self.source} for items that people tagged with words that mean the "
            f"attribute, against tagged items without these: {self.items:,} items, {self.tags:,} tags."
        )
        if few:
            note += f" Fewer than {LEAST} tagged items, not judged: {few}."
        return Table(
            "Attribute scores against people's tags",
            ("attribute", "AUC", "95 % interval", "items", "people", "tags"),
            rows,
            note,
            {"AUC": ".2f", "95 % interval": ".2f"},
        )


def read_tags(path: Path, item_ids: Sequence[str]) -> ItemTags:
    """A file of tags in MovieLens's layout: columns userId, movieId, tag.

    Args:
        path: CSV, UTF-8.
        item_ids: the catalogue, in the order of its rows.

    Raises:
        UsageError: there is no such file.
        DataError: a column is missing, a line is broken, or no tag is of an item of the catalogue.
    """
    row_of = {item: row for row, item in enumerate(item_ids)}
    found: list[tuple[int, str, str]] = []
    left_out = 0
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"userId", "movieId", "tag"} - set(reader.fieldnames or ())
            if missing:
                raise DataError(f"{path}, line 1: there is no column {sorted(missing)[0]}")
            for entry in reader:
                person, item, tag = entry["userId"], entry["movieId"], entry["tag"]
                if person is None or item is None or tag is None:
                    raise DataError(f"{path}, line {reader.line_num}: fewer cells than columns")
                row = row_of.get(item, -1)
                if row < 0:
                    left_out += 1
                elif word := normal(tag):
                    found.append((row, person, word))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as UTF-8 CSV ({error})") from error
    if not found:
        raise DataError(f"{path} has no tag of any of the {len(item_ids):,} items")
    rows, people, words = zip(*found, strict=True)
    return ItemTags(np.array(rows, np.int64), people, words, left_out)


def tag_agreement(
    table: AttributeTable, tags: ItemTags, mapping: Mapping[str, TagWords], *, least: int = LEAST
) -> TagAgreement:
    """AUC of every attribute that the mapping knows.

    Positives: scored items that anybody tagged with one of the words; negatives: other scored items that
    anybody tagged at all. Items tagged with words of both ends are left out of that attribute.

    Args:
        table: scores, rows as in `tags`.
        tags: of `read_tags`.
        mapping: attribute -> words; attributes that the table has not are ignored.
        least: items on either side below which an attribute is not judged, at least 2.

    Raises:
        UsageError: no attribute of the mapping is in the table, or `least` below 2.
    """
    if least < 2:
        raise UsageError(f"an attribute needs 2 tagged items or more to be judged, not {least}")
    known = [name for name in mapping if name in table.names]
    if not known:
        raise UsageError(f"the words are for none of the attributes of {table.source}")
    tagged = np.zeros(len(table.raw), np.bool_)
    tagged[tags.rows] = True
    words, people = np.array(tags.words), np.array(tags.people)
    judged: list[TaggedAttribute] = []
    few: dict[str, int] = {}
    for name in known:
        score = table.raw[:, table.names.index(name)].astype(np.float64)
        given = {
            "much": np.isin(words, mapping[name].much),
            "little": np.isin(words, mapping[name].little),
        }
        inside = {end: _rows(tags.rows[which], len(score)) for end, which in given.items()}
        candidates = tagged & ~np.isnan(score) & ~(inside["much"] & inside["little"])
        for end, sign in (("much", 1), ("little", -1)):
            if not getattr(mapping[name], end):
                continue
            positive, negative = candidates & inside[end], candidates & ~inside[end]
            label = name if end == "much" else f"{name} (little)"
            if positive.sum() < least or negative.sum() < least:
                few[label] = int(positive.sum())
                continue
            counted = given[end] & candidates[tags.rows]
            judged.append(
                TaggedAttribute(
                    name,
                    end,
                    auc(sign * score[positive], sign * score[negative]),
                    len(np.unique(people[counted])),
                    _most(words[counted], tags.rows[counted]),
                )
            )
    judged.sort(key=lambda one: -one.auc.value)
    scored = tagged & ~np.isnan(table.raw).all(axis=1)
    return TagAgreement(str(table.source), int(scored.sum()), len(tags), tuple(judged), few, tags.left_out)


def _rows(rows: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    found = np.zeros(count, np.bool_)
    found[rows] = True
    return found


def _most(words: Iterable[str], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Words by the number of different items that have them, most first."""
    items: dict[str, set[int]] = {}
    for word, row in zip(words, rows.tolist(), strict=True):
        items.setdefault(str(word), set()).add(row)
    return tuple(sorted(items, key=lambda word: (-len(items[word]), word)))
