"""Titles as people and catalogues write them, brought to one form for joining."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ı": "i",
        "&": " and ",
        "+": " and ",
        "@": " at ",
    }
)

# Articles that catalogues move to the end: "Heat, The"; "Haine, La"; "Uomo delle stelle, L'".
_ARTICLES = (
    "the|a|an|la|le|les|l'|un|une|il|lo|i|gli|uno|una|el|los|las|"
    "der|die|das|den|ein|eine|det|en|ett|o|os|as|um|uma|de|het"
)
_MOVED = re.compile(rf"^(?P<rest>.+),\s*(?P<article>{_ARTICLES})$")
_LEADING = re.compile(rf"^(?:{_ARTICLES.replace(chr(39), ' ')})\s+(?=\S)")

# A year or a span of years at the end: "(1995)", "(1995-1997)", "(2006–)".
_YEAR = re.compile(r"\s*\(\s*(?P<year>(?:18|19|20)\d\d)\s*(?:[-–—]\s*(?:\d{2,4})?\s*)?\)\s*$")
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_KNOWN_AS = re.compile(r"^(?:a\.?k\.?a\.?|also known as)[\s:]+")
_APOSTROPHES = re.compile(r"['’‘`´ʼ]")
_OTHER = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Title:
    """A title in joining form.

    Attributes:
        key: the title without brackets, case, accents and punctuation, article in front; "" if nothing is
            left.
        others: keys of the alternative titles in brackets, which may be empty.
        year: the year in brackets at the end, or None.
    """

    key: str
    others: tuple[str, ...]
    year: int | None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, the main one first, each also without its leading article; never empty strings."""
        found = [key for key in (self.key, *self.others) if key]
        return tuple(dict.fromkeys(found + [_LEADING.sub("", key) for key in found]))


@lru_cache(maxsize=1 << 16)
def normalise_title(title: str) -> Title:
    """Bring a title to its joining form.

    "Usual Suspects, The (1995)" and "The usual suspects" have the same key "the usual suspects". Accents,
    case and punctuation are dropped, "&" is "and", an article at the end moves to the front, a bracketed
    year is taken off and returned, bracketed alternative titles are taken out and returned as further keys.
    """
    text = unicodedata.normalize("NFKC", title).strip()
    year: int | None = None
    if found := _YEAR.search(text):
        year = int(found["year"])
        text = text[: found.start()]
    others = [first or second for first, second in _BRACKETS.findall(text)]
    # A title that is nothing but brackets is its content.
    main = _BRACKETS.sub(" ", text).strip() or text
    return Title(_key(main), tuple(dict.fromkeys(key for other in others if (key := _key(other)))), year)


def _key(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter)).translate(_LETTERS)
    plain = _APOSTROPHES.sub("'", plain).strip()
    plain = _KNOWN_AS.sub("", plain)
    if moved := _MOVED.match(plain):
        plain = f"{moved['article']} {moved['rest']}"
    # "Schindler's" and "Schindlers" are one word; "l'uomo" is written "l uomo" as "Uomo, L'" is.
    plain = re.sub(r"\bl'\s*(?=\w)", "l ", plain).replace("'", "")
    return " ".join(_OTHER.sub(" ", plain).split())


def titles_agree(first: Title, second: Title) -> bool:
    """Whether two titles can name one thing: a key in common and years, where both have one, within 1."""
    if first.year is not None and second.year is not None and abs(first.year - second.year) > 1:
        return False
    return not set(first.keys).isdisjoint(second.keys)
