"""Words for people that more than one room needs."""


def counted(number: int, noun: str) -> str:
    """`1 user`, `2,000 users`, `3 entries`."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def sentence(text: str) -> str:
    """The text with a capital and one full stop."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
