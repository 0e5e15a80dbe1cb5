"""The section as tables, for a terminal, a file and a page alike."""

from __future__ import annotations

from collections.abc import Iterable

from guided_store.evaluation import Cell, Table
from guided_store.interpretation._faithfulness import Faithfulness
from guided_store.interpretation._interpret import Interpretation, Interpretations
from guided_store.interpretation._moves import Intervention
from guided_store.interpretation._stability import Stability
from guided_store.interpretation._variance import PARTS
from guided_store.wording import sentence

_INTERVAL = "95 % interval"
_PERCENT = ".1%"


def tables(section: Interpretations | Interpretation) -> list[Table]:
    """Shares of the variance, attributes that carry it, sparsity, faithfulness, stability; what there is."""
    if isinstance(section, Interpretation):
        section = Interpretations({section.version: (section,)}, {})
    versions = [one for found in section.versions.values() for one in found]
    found = [_variance(versions, section.notes)]
    told = [one for one in versions if one.variance[0].attributes]
    if told:
        found.append(_attributes(told))
    sparse = [one for one in versions if one.sparsity is not None]
    if sparse:
        found.append(_sparsity(sparse))
    changed = {one.version: one.faithfulness for one in versions if one.faithfulness is not None}
    found += [
        _faithfulness(version, one, explained=number == 0)
        for number, (version, one) in enumerate(changed.items())
    ]
    if section.stability:
        found.append(_stability(section.stability))
    return found


def _variance(versions: list[Interpretation], notes: Iterable[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in versions:
        for shares in one.variance:
            parts = [shares.parts[name].value for name in PARTS]
            interval = shares.parts["attributes"].interval if shares.attributes else None
            rows.append((one.version, shares.among, parts[0], interval, *parts[1:]))
    said = " ".join(sentence(note) for one in versions for note in one.notes)
    general = " ".join(sentence(note) for note in notes)
    cases = ", ".join(dict.fromkeys(f"{one.cases:,}" for one in versions))
    return Table(
        "What the differences between scores are made of",
        ("version", "among", "attributes", _INTERVAL, "latent", "bias"),
        tuple(rows),
        f"Covariance of each part with the score over the score's variance, within each user's ranking, "
        f"pooled over {cases} sampled cases; the three add to 100 %. A share is below 0 where a part pulls "
        f"against the sum. {said} {general}".strip(),
        dict.fromkeys(("attributes", _INTERVAL, "latent", "bias"), _PERCENT),
    )


def _attributes(versions: list[Interpretation]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in versions:
        everywhere, best = one.variance
        named = {} if one.sparsity is None else one.sparsity.named
        order = sorted(best.attributes, key=lambda name: -best.attributes[name].value)
        rows += [
            (
                one.version,
                name,
                everywhere.attributes[name].value,
                best.attributes[name].value,
                named.get(name),
            )
            for name in order
        ]
    best_items = versions[0].variance[1].among
    columns = ("version", "attribute", "all items", best_items, "named first")
    return Table(
        "Attributes that carry the differences",
        columns,
        tuple(rows),
        "Shares of the score's variance as above. Named first: share of the recommended items of which it is "
        "the attribute that gains most on the average item.",
        dict.fromkeys(columns[2:], _PERCENT),
    )


def _sparsity(versions: list[Interpretation]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in versions:
        found = one.sparsity
        assert found is not None
        eight, nine = (found.needed[share].value for share in (0.8, 0.9))
        rows.append(
            (
                one.version,
                found.attributes,
                eight,
                nine,
                found.shown.value,
                found.even,
                found.gini.value,
                found.hoyer.value,
            )
        )
    columns = ("version", "terms", "80 %", "90 %", "top 3", "if even", "Gini", "Hoyer")
    formats = {
        "80 %": ".1f",
        "90 %": ".1f",
        "top 3": _PERCENT,
        "if even": _PERCENT,
        "Gini": ".2f",
        "Hoyer": ".2f",
    }
    return Table(
        "Sparsity of explanations",
        columns,
        tuple(rows),
        "Terms relative to the average item, by magnitude, of the recommended items. 80 %, 90 %: how many of "
        "them carry so much of the sum of magnitudes, on average. Top 3: how much the three largest carry; "
        "if even: if all carried the same. Gini and Hoyer are 0 where all terms are alike.",
        formats,
    )


def _faithfulness(version: str, found: Faithfulness, *, explained: bool) -> Table:
    """`explained`: whether the note says how to read it, which one table of several does."""
    columns = ("changed", "attribute", "moved", "as said", _INTERVAL, "places", "toward", "list")
    rows: list[tuple[Cell, ...]] = []
    for one in (found.item, found.history):
        for kind, moves in (("named", one.named), ("random", one.random)):
            rows.append(
                (
                    one.changed,
                    kind,
                    moves.moved.value,
                    moves.predicted.value,
                    moves.predicted.interval,
                    moves.places.value,
                    moves.toward.value,
                    None if moves.list_shift is None else moves.list_shift.value,
                )
            )
    note = f"{_contrast(found.item)} {_contrast(found.history)}"
    if explained:
        note = (
            f"{found.pairs:,} users, one recommended item each. A raw score is lowered and raised by "
            f"{found.points:g} points (within the scale), histories with changed items are encoded again, "
            "and the item's two ranks compared. Moved: share whose ranks differ; as said: the share of these "
            "that went where the explanation says (50 % by chance); places: between the two ranks; toward: "
            "places in the direction that the explanation says. Changed item: its own score alone, so that "
            "the direction is arithmetic and only the distance is found out. Changed history: the scores of "
            "all items that the user has read, of which the sum says nothing; list: points by which the mean "
            f"score of the list follows. {note}"
        )
    formats = {"moved": ".0%", "as said": _PERCENT, _INTERVAL: _PERCENT, "places": ".1f", "toward": "+.1f"}
    return Table(
        f"Faithfulness of explanations, {version}", columns, tuple(rows), note, formats | {"list": "+.2f"}
    )


def _contrast(one: Intervention) -> str:
    ends = one.farther.interval
    span = "" if ends is None else f"{ends[0]:+.2f} to {ends[1]:+.2f}; "
    p = "p < 0.001" if one.farther_p < 0.001 else f"p = {one.farther_p:.3f}"
    return (
        f"Changed {one.changed}: the named attribute moves an item {one.farther.value:+.2f} places farther "
        f"than the random one ({span}sign test {p})."
    )


def _stability(found: dict[str, Stability]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, one in found.items():
        for measure, own, chance, gain in (
            ("rank correlation", one.correlation, one.correlation_chance, one.correlation_gain),
            ("top 3 in common", one.overlap, one.overlap_chance, one.overlap_gain),
        ):
            rows.append((label, measure, own.value, chance.value, gain.value, gain.interval))
    blind = " and ".join(dict.fromkeys(f"{one.blind:.2f}" for one in found.values()))
    return Table(
        "Stability of explanations over seeds",
        ("recipe", "measure", "same user", "another user", "gain", _INTERVAL),
        tuple(rows),
        "Terms of the same item by two versions of a recipe, averaged over pairs of versions: for the same "
        "user, and with the second version's terms for another user, which is what the item brings about "
        f"whoever asks. Three attributes drawn blindly have {blind} in common.",
        {"same user": ".2f", "another user": ".2f", "gain": "+.2f", _INTERVAL: "+.2f"},
    )
