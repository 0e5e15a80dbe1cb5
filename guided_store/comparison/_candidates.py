"""What is compared: one trained version, or several of one recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, takewhile
from typing import Literal

from guided_store.comparison._recipes import first_difference
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import Ref, get_version, resolve

JOIN = "+"

Question = Literal["models", "recipes"]
"""What is compared: one trained model each, or several seeds of a recipe each."""


@dataclass(frozen=True)
class Candidate:
    """One side of a comparison.

    Attributes:
        label: its name in every table.
        refs: its versions, one per seed; a single one is a trained model, several are a recipe.
    """

    label: str
    refs: tuple[Ref, ...]


def parse_candidates(store: Store, texts: Sequence[str], *, mixed: bool = False) -> tuple[Candidate, ...]:
    """Candidates as a user writes them.

    Each text is a version ("refined/x"), an alias, or several of them joined by `+`, which then must be of
    one recipe: nothing but the seed and names may differ. "NAME=..." before it sets the label; by default it
    is the text, or for several versions what their names begin with.

    Args:
        store: where the versions are.
        texts: two or more; the first is the reference.
        mixed: let versions of different recipes be joined.

    Raises:
        UsageError: fewer than two, a version or a label twice, or versions of different recipes joined.
        VersionError: no such version.
    """
    if len(texts) < 2:
        raise UsageError("name two versions or more to compare; the others are held against the first")
    found = [_parse(store, text) for text in texts]
    refs = [ref for candidate in found for ref in candidate.refs]
    for ref in refs:
        if refs.count(ref) > 1:
            raise UsageError(f"{ref} is named twice: a version is compared with others, and counts once")
    for candidate in found:
        if [other.label for other in found].count(candidate.label) > 1:
            plain = texts[0].rpartition("=")[2]
            raise UsageError(
                f"two candidates would be called {candidate.label}: name one of them, such as old={plain}"
            )
    for candidate in found if not mixed else ():
        for one, other in combinations([get_version(store, ref) for ref in candidate.refs], 2):
            if apart := first_difference(store, one, other):
                raise UsageError(
                    f"{one.ref} and {other.ref} are not of one recipe: {apart}; join versions that differ in "
                    "the seed alone, or say --mixed"
                )
    return tuple(found)


def question_of(seeds: Mapping[str, int]) -> Question:
    """Whether trained models are compared, or recipes of several seeds each.

    Args:
        seeds: label -> how many versions it has.

    Raises:
        UsageError: some have one and others several.
    """
    single = [label for label, count in seeds.items() if count == 1]
    if not single:
        return "recipes"
    if len(single) < len(seeds):
        several = next(label for label in seeds if label not in single)
        raise UsageError(
            f"{single[0]} is one trained model and {several} a recipe of {seeds[several]} seeds: one model "
            "says little of its recipe; compare one model each, or join two seeds or more each by +"
        )
    return "models"


def _parse(store: Store, text: str) -> Candidate:
    label, named, joined = text.rpartition("=")
    names = [name.strip() for name in joined.split(JOIN)]
    if not all(names) or (named and not label.strip()):
        raise UsageError(
            f"{text!r} names no candidate: write a version, an alias, or several joined by +, such as "
            "new=refined/a+refined/b"
        )
    refs = tuple(resolve(store, name)[0] for name in names)
    for ref in refs:
        get_version(store, ref)  # an unknown name is told before a name given twice is
    return Candidate(label.strip() if named else _label(names), refs)


def _label(names: Sequence[str]) -> str:
    """The name, or what several names begin with; all of them where that is no more than a kind."""
    if len(names) == 1:
        return names[0]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in alike).rstrip("0123456789")
    kind, slash, name = common.partition("/")
    # What stands before the number of a seed says nothing by itself.
    name = re.sub(r"(^|[-_.])(s|seed)?[-_.]*$", "", name)
    return f"{kind}{slash}{name}" if name else JOIN.join(names)
