"""Write docs/case-studies.md: six users, chosen by rules that ask for failures too.

    python examples/case_studies.py --store STORE --base base/NAME --refined refined/NAME --out FILE.md

All of the document is computed from the store: who is shown, lists, terms, and the sentences about them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from case_rules import LEAST, Desk, K, Scan, Study, choose, scan

from guided_store.encoders import training_warnings
from guided_store.retrieval import Explanation, Recommendations

SHOWN = 8  # events of a history that are printed
PARTS = 4  # attributes that are printed of a score
BAR = 20

INTRODUCTION = """# Case studies

{how_many} of the {users:,} users of {name} one by one: what they chose, what two versions recommend, what
came next, and why. They stand for nobody else: a rule below picks each of them for what it asks, and says how
many it fits. Written by `examples/case_studies.py`, which computes every figure and sentence from the store.

- Versions: `{base}` learned from histories alone; `{refined}` has {attributes} attributes that a language
  model scored.
- Both are asked after the history without its last event ({seen}; split {digest}).
- Users are looked at in random order (seed {seed}, the first {drawn:,} with a history of {least} or more). A
  rule takes the first who fits and was not taken before; the last one takes the furthest.
- A rank is among all items that the version knows and the user has not chosen yet.
- Terms are the summands of the score ([method.md](method.md)), rounded so that they add up; the longer the
  bar the larger the term, up or down. What came next is set bold.
"""


def terms(found: Explanation, title: str, weights: str = "", always: str = "") -> str:
    """The summands of one score as bars that add up."""
    row = found.recommendation
    ordered = [(term.name, term.contribution) for term in row.top_terms(len(row.terms))]
    lines = [line for place, line in enumerate(ordered) if place < PARTS or line[0] == always]
    if rest := [line for line in ordered if line not in lines]:
        lines.append((f"{len(rest)} others", sum(value for _, value in rest)))
    lines += [("latent part", row.latent), ("item bias", row.bias)]
    rounded = summands([value for _, value in lines])
    total = round(sum(rounded), 2)
    full = max(abs(value) for value in rounded) or 1.0
    text = [f"{title}{weights}, rank {row.rank:,} of {found.candidates:,}", ""]
    for (name, _), value in zip(lines, rounded, strict=True):
        text.append(
            f"{name:<24}{value:+7.2f}  {'█' * max(1, round(abs(value) / full * BAR)) if value else ''}"
        )
    text.append(f"{'score':<24}{total:+7.2f}")
    return "```text\n" + "\n".join(line.rstrip() for line in text) + "\n```\n"


def summands(parts: Sequence[float]) -> list[float]:
    """Parts in hundredths that add up to the rounded sum: largest remainders."""
    floors = np.floor(np.array(parts) * 100).astype(int)
    missing = round(sum(parts) * 100) - int(floors.sum())
    order = np.argsort(floors - np.array(parts) * 100, kind="stable")
    floors[order[:missing]] += 1
    return [float(value) / 100 for value in floors]


def table(desk: Desk, heads: Sequence[str], lists: Sequence[Recommendations], wanted: str) -> str:
    """Lists side by side; what came next is set bold."""
    lines = ["| # | " + " | ".join(heads) + " |", "|--:|" + "---|" * len(heads)]
    for place in range(max(len(found) for found in lists)):
        cells = []
        for found in lists:
            item = found[place].item_id if place < len(found) else ""
            text = desk.title(item).replace("|", "\\|") if item else ""
            cells.append(f"**{text}**" if item == wanted else text)
        lines.append(f"| {place + 1} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def section(desk: Desk, seen: Scan, number: int, study: Study) -> str:
    """One user's part of the document."""
    case = int(seen.cases[study.place])
    history, wanted = desk.history(case), desk.next(case)
    lists = [version.recommend(items=history, k=K) for version in (desk.refined, desk.base)]
    fits = "" if study.attribute >= 0 else f" ({study.fits:,} of the {len(seen.cases):,} drawn)"
    latest = "; ".join(desk.title(item) for item in history[-SHOWN:])
    text = [
        f"## {number}. {study.title}: user {desk.user(case)}\n",
        f"Rule: {study.rule}{fits}.\n",
        f"The latest {SHOWN} of {len(history)}, oldest first: {latest}.\n",
        f"What came next: **{desk.title(wanted)}**.\n",
    ]
    if study.attribute >= 0:
        text += corrected(desk, study, history, wanted, lists[0])
    else:
        text.append(table(desk, ("refined", "base"), lists, wanted))
        text.append(terms(desk.refined.explain(wanted, items=history), desk.title(wanted)))
        text.append(reading(desk, seen, study, history, wanted))
    return "\n".join(text)


def reading(desk: Desk, seen: Scan, study: Study, history: list[str], wanted: str) -> str:
    """What the figures say, in sentences."""
    found = desk.refined.explain(wanted, items=history).recommendation
    best = desk.refined.recommend(items=history, k=1)[0]
    base, refined, latent = (float(ranks[study.place]) for ranks in (seen.base, seen.refined, seen.latent))
    own = sum(term.contribution for term in found.terms)
    if refined < latent / 2:
        effect = f"they give it {own:+.2f} and lift it"
    elif refined > latent * 2:
        effect = f"they give it {own:+.2f}, and others more, which holds it back"
    else:
        effect = f"at {own:+.2f} they do not decide"
    by_base = f"rank {base:,.0f}" if np.isfinite(base) else "none, since it does not know the item"
    text = (
        f"Refined gives what came next rank {refined:,.0f}, base {by_base}. With all attributes weighted 0 "
        f"refined would give it rank {latent:,.0f}: {effect}."
    )
    if refined > 1:
        behind = {
            "attributes": sum(term.contribution for term in best.terms) - own,
            "latent part": best.latent - found.latent,
            "item bias": best.bias - found.bias,
        }
        gap, worst = best.score - found.score, max(behind, key=lambda part: behind[part])
        rest = "; the other parts make some of it good" if behind[worst] > gap else ""
        text += (
            f" It lies {gap:.2f} behind the first of the list, {desk.title(best.item_id)}: by "
            f"{behind[worst]:.2f} in the {worst}{rest}."
        )
    return text + "\n"


def corrected(
    desk: Desk, study: Study, history: list[str], wanted: str, before: Recommendations
) -> list[str]:
    """The same user with one attribute taken out, and with a limit on it."""
    refined = desk.refined
    name = refined.embedding.attributes[study.attribute]
    taste = next(taste for taste in refined.profile(items=history).tastes if taste.name == name)
    mean = taste.catalogue_mean if taste.history_mean is None else taste.history_mean
    limit, out = round(mean), {name: 0.0}
    after = refined.recommend(items=history, k=K, weights=out)
    limited = refined.recommend(items=history, k=K, maximum={name: limit})
    heads = ["refined", f"`--weight {name}=0`", f"`--max {name}={limit}`"]
    first = before[0].item_id
    went = [
        refined.explain(wanted, items=history, weights=weights).recommendation.rank for weights in (None, out)
    ]
    new = len({row.item_id for row in after} - {row.item_id for row in before})
    effect = "helps" if went[1] < went[0] else "does harm" if went[1] > went[0] else "changes nothing"
    return [
        table(desk, heads, [before, after, limited], wanted),
        terms(refined.explain(first, items=history), desk.title(first), always=name),
        terms(
            refined.explain(first, items=history, weights=out),
            desk.title(first),
            f" with {name} weighted 0",
            always=name,
        ),
        f"The history averages {mean:.1f} on {name}, all items {taste.catalogue_mean:.1f}; yet after it a "
        f"standard deviation more of {name} adds {taste.query_weight:+.2f} to a score. Weighted 0, {new} of "
        f"the {K} items {'is' if new == 1 else 'are'} new, and what came next goes from rank {went[0]:,} to "
        f"{went[1]:,}: measured by this one event the correction {effect}. A weight is a wish; whether it "
        "foresees the next event is another question. The limit is the history's mean, rounded: nothing "
        f"above {limit} is listed, whatever else speaks for it.\n",
    ]


def seen_by(desk: Desk) -> str:
    """Whether the versions may know what came next from training."""
    versions = (desk.base, desk.refined)
    warnings = [
        w
        for version in versions
        for w in training_warnings(desk.store, version.embedding.ref, desk.cases.split)
    ]
    return "; ".join(warnings) or "which neither was trained on"


def document(desk: Desk, name: str, seed: int) -> str:
    """The whole text."""
    seen = scan(desk, seed)
    studies = list(choose(seen, desk.refined.embedding.attributes))
    counts = ("none", "one", "two", "three", "four", "five", "six")
    head = INTRODUCTION.format(
        how_many=counts[len(studies)].capitalize(),
        seen=seen_by(desk),
        users=desk.cases.sequences.n_users,
        name=name,
        base=desk.base.embedding.ref,
        refined=desk.refined.embedding.ref,
        attributes=len(desk.refined.embedding.attributes),
        digest=desk.cases.split.digest[:12],
        seed=seed,
        drawn=len(seen.cases),
        least=LEAST,
    )
    parts = [section(desk, seen, number, study) for number, study in enumerate(studies, start=1)]
    return "\n".join([head, *parts])


def main() -> None:
    parser = argparse.ArgumentParser(description="Write case studies of six users of a store.")
    parser.add_argument("--store", required=True, help="folder of the store")
    parser.add_argument("--base", default="base/base", help="version without attributes")
    parser.add_argument("--refined", default="refined/refined", help="version with attributes")
    parser.add_argument("--name", default="the store", help="what the data is called in the text")
    parser.add_argument("--seed", type=int, default=0, help="of the order in which users are looked at")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    asked = parser.parse_args()
    desk = Desk(asked.store, asked.base, asked.refined)
    asked.out.write_text(document(desk, asked.name, asked.seed), encoding="utf-8")


if __name__ == "__main__":
    main()
