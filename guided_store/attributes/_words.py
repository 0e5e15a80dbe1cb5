"""What the wording of attributes gives away: names that are one word, ends that are one text, fame."""

from __future__ import annotations

import re

_FAME = re.compile(
    r"popular|acclaim|\bfam(e|ous)|best.?sell|prestig|\bcult\b|award|canonical|well.known|\bhit\b|ratings?\b"
)
_SPELLINGS = (
    (re.compile(r"(?<=..)our(?=s?$|ful|less|ed$|ite)"), "or"),  # humour, colours, favourite; not hour, tour
    (re.compile(r"is(?=e$|ed$|ing$|ation$)"), "iz"),  # stylised, organisation
    (re.compile(r"(?<=..)tre$"), "ter"),  # theatre
    (re.compile(r"^grey"), "gray"),
    (re.compile(r"^jewellery$"), "jewelry"),
)
_ENDINGS = (
    (re.compile(r"(?<=.{4})ness$"), ""),
    (re.compile(r"ies$"), "y"),
    (re.compile(r"(?<=[sxz])es$|(?<=[cs]h)es$"), ""),
    (re.compile(r"(?<=[^aius])s$"), ""),  # not bias, basis, glass, status
    (re.compile(r"e$"), ""),
    (re.compile(r"y$"), "i"),
)
_ALONE = frozenset({"business", "series", "species", "news"})
"""Words that are no form of another one: business is not being busy."""


def hints_at_fame(name: str, low: str, high: str) -> bool:
    """Whether the words speak of what became known later."""
    return _FAME.search(f"{name.replace('_', ' ')} {low} {high}".casefold()) is not None


def same_name(name: str) -> tuple[str, ...]:
    """Equal for names that differ in spelling, number, order of words or an ending -ness only.

    `humor` and `humour`, `puzzle` and `puzzles`, `scary` and `scariness`, `home_use` and `use_home`.
    """
    return tuple(sorted(_stem(word) for word in name.split("_") if word))


def same_ends(text: str) -> str:
    """Equal for texts that differ in case, punctuation and white space only."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def _stem(word: str) -> str:
    if word in _ALONE:
        return word
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)
    for pattern, replacement in _ENDINGS:
        if len(word) > 3:
            word = pattern.sub(replacement, word)
    return word
