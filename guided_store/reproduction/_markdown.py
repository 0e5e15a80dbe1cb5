"""The headline as a Markdown document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from guided_store.reproduction._table import (
    BASE,
    BLIND,
    BOTH,
    CHOICE,
    CONTROLS,
    FORMS,
    METRICS,
    PLAIN,
    WIDE,
    Row,
    Table,
)
from guided_store.reproduction._targets import FULL_SEEDS, Target, encoder_name, shown
from guided_store.reproduction._words import (
    LABELS,
    NOTHING,
    duration,
    gain,
    grid,
    level,
    measured,
    p_value,
    per_cent,
    plain,
)
from guided_store.wording import counted

SYSTEMS = {
    "base-plain": "learned item vectors alone, no item bias: the base that the paper compares with",
    "base": "the same with an item bias",
    "base-2d": "the base, twice as wide",
    "base-warm": "the base trained a second time from itself: what a second stage alone brings",
    "refined": "attribute scores beside learned columns, one stage: the recipe under test",
    "refined-warm": "`refined` in two stages: the learned columns start from the reduced base",
    "refined-paper": "two stages by the defaults of `build refined`: scores beside the reduced base",
    "guided-alone": "attribute scores alone, no learned columns",
    "permuted": "`refined` with the scores of one item given to another",
    "permuted-warm": "`refined-warm` with the scores of one item given to another",
    "random": "`refined` with random numbers in place of scores",
    "text": "`refined` with as many TF-IDF and SVD columns of the item's text in place of scores",
    "text-warm": "`refined-warm` with text columns in place of scores",
    "text+guided": "`refined` with text columns beside the scores",
    "no-hindsight": "`refined` without the attributes that may know what became popular",
}

GLANCE = (
    "Gain of refined in NDCG@10, per cent; without hindsight: of `no-hindsight`, whose scores leave out "
    "what may know what became popular."
)

SURE = 0.05
"""Below this p, and with 0 outside the interval, a difference is said to be there."""

READING = """\
Every item is ranked, the history left out; one target per user (leave-one-out). Settings are chosen on
validation; test is read for the chosen runs only. Levels are means over seeds, ± the standard deviation over
seeds. Gains are relative, in per cent, of per-user metrics averaged over seeds, with a 95 % bootstrap
interval over users (each alone, not corrected) and the p of a paired randomisation test, after Holm over the
three metrics. Intervals and p say what other users might change, for the runs at hand; what other seeds might
change is the ± of the levels. The strongest control is that of the best validation NDCG@10 among
{controls}, which know nothing of an item's content. † marks fewer than {seeds} seeds,
"so far" a verdict that planned runs may still change. Refined, where a text speaks of it, is that of {forms}
with the best validation NDCG@10, in bold type. Its form was chosen on validation too (docs/refinement.md),
beside the trials that every system got: choices that the base had less of. Settings, trials, digests
and everything else behind a figure: `headline.json`.
"""


def headline_markdown(tables: Sequence[Table], targets: Sequence[Target], picture: str | None = None) -> str:
    """The whole document; `picture` is the file name of a plot beside it, if there is one."""
    lines = ["# Headline: refined embeddings against bases and controls", ""]
    lines += ["Written by `guided-store reproduce`; changes made here are lost.", ""]
    reading = READING.format(seeds=FULL_SEEDS, controls=", ".join(CONTROLS), forms=", ".join(FORMS))
    lines += [reading, _progress(tables, targets), ""]
    lines += ["## Targets", "", *_targets(targets)]
    lines += ["## Refined at a glance", "", GLANCE, "", *_glance(tables)]
    if picture:
        lines += [f"![Relative gains of refined in NDCG@10 with 95 % intervals]({picture})", ""]
    lines += ["## Does refined at d beat a base at 2d?", "", *_wide(tables)]
    lines += ["## What scores add over text", "", *(f"- {text_sentence(table)}" for table in tables), ""]
    for table in tables:
        lines += _section(table)
    named = dict.fromkeys(name for table in tables for name in table.rows)
    lines += ["## Systems", "", *(f"- `{name}`: {SYSTEMS[name]}." for name in named if name in SYSTEMS), ""]
    return "\n".join(lines)


def text_sentence(table: Table) -> str:
    """What the scores add over text in accuracy, from the figures."""
    where = _title(table)
    found = table.refined_over(table.text)
    if found is None:
        return f"**{where}**: not run."
    one = found[CHOICE]
    sure = one.adjusted < SURE
    if sure and one.interval[0] > 0:
        verdict = "scores are more accurate than text"
    elif sure and one.interval[1] < 0:
        verdict = "scores are less accurate than text"
    else:
        verdict = "no clear difference in accuracy between scores and text"
    sentence = (
        f"**{where}**: {verdict}. NDCG@10 {one.value:.4f} with scores, {one.reference:.4f} with text of the "
        f"same dimension: {_difference(one.difference, one.interval, one.relative, one.adjusted)}."
    )
    both = table.gain(BOTH, table.text)
    if both is not None:
        added = both[CHOICE]
        sentence += (
            f" Scores beside text: {added.value:.4f}, over text alone "
            f"{_difference(added.difference, added.interval, added.relative, added.adjusted)}."
        )
    return sentence + _few(table, (table.refined, table.text, BOTH))


def _difference(difference: float, interval: tuple[float, float], relative: float | None, p: float) -> str:
    share = "" if relative is None else f", {per_cent(relative)} %"
    return f"{difference:+.4f} [{interval[0]:+.4f}, {interval[1]:+.4f}]{share}, p {p_value(p)}"


def _progress(tables: Sequence[Table], targets: Sequence[Target]) -> str:
    """How much of the plan is behind this document, and how the targets stand."""
    rows = [row for table in tables for row in table.rows.values()]
    done = sum(len(set(row.seeds) & set(row.planned)) for row in rows)
    verdicts = Counter(_verdict(target).replace("*", "") for target in targets)
    stand = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return (
        f"**{done} of {counted(sum(len(row.planned) for row in rows), 'planned run')} finished. "
        f"Of {counted(len(targets), 'target')}: {stand}.**"
    )


def _verdict(target: Target) -> str:
    judged = target.verdict not in ("not run", "no figure named")
    return f"**{target.verdict}**" + (" so far" if target.provisional and judged else "")


def _targets(targets: Sequence[Target]) -> list[str]:
    rows = [
        (
            target.name,
            target.wanted,
            "; ".join(map(measured, target.measured)) or NOTHING,
            _verdict(target) + (f" ({target.note})" if target.note else ""),
        )
        for target in targets
    ]
    return grid(("target", "wanted", "measured", "verdict"), rows, text=4)


def _glance(tables: Sequence[Table]) -> list[str]:
    rows = []
    for table in tables:
        control = table.control.system if table.control else None
        over_control = _cell(table, table.refined, control) + (f" ({control})" if control else "")
        form = "" if table.refined in (None, FORMS[0]) else f" ({table.refined})"
        rows.append(
            (
                _title(table) + form,
                _cell(table, table.refined, PLAIN),
                _cell(table, table.refined, BASE),
                over_control,
                _cell(table, BLIND, control),
                _cell(table, table.refined, WIDE),
                _cell(table, table.refined, table.text),
            )
        )
    header = (
        "",
        "over base-plain",
        "over base",
        "over strongest control",
        "the same without hindsight",
        "over base-2d",
        "over text",
    )
    return grid(header, rows)


def _cell(table: Table, system: str | None, reference: str | None) -> str:
    found = None if system is None else table.gain(system, reference)
    if found is not None:
        return gain(found[CHOICE])
    planned = system in table.rows and (reference is None or reference in table.rows)
    return "not run" if planned else "not planned"


def _wide(tables: Sequence[Table]) -> list[str]:
    rows = []
    for table in tables:
        if WIDE not in table.rows:
            continue
        found = table.refined_over(WIDE)
        if found is None:
            rows.append((_title(table), "not run", *[NOTHING] * 5))
            continue
        above = all(found[metric].interval[0] > 0 for metric in METRICS)
        below = all(found[metric].interval[1] < 0 for metric in METRICS)
        verdict = "yes" if above else "no, it loses" if below else "not shown"
        few = _few(table, (table.refined, WIDE))
        widths = [str(table.rows[name].dim) for name in (table.refined, WIDE) if name is not None]
        rows.append((_title(table), verdict + few, *widths, *(gain(found[metric]) for metric in METRICS)))
    if not rows:
        return ["not planned", ""]
    return grid(("", "beaten?", "refined d", "base d", *LABELS.values()), rows, text=2)


def _section(table: Table) -> list[str]:
    lines = [f"## {_title(table)}", ""]
    if table.cases is None:
        return [*lines, f"Not run: {', '.join(table.rows)}.", ""]
    lines += [_caption(table), ""]
    header = (
        "system",
        "dim",
        "seeds",
        *LABELS.values(),
        "head / tail",
        "short / long",
        "validation",
        "a run",
        "tuning",
    )
    lines += grid(header, [_row(row, bold=row.system == table.refined) for row in table.rows.values()])
    references = dict.fromkeys(reference for system, reference in table.gains if system == table.refined)
    if references and table.refined is not None:
        form = table.refined
        lines += [f"Gain of `{form}`, per cent:", ""]
        rows = [
            (
                _reference(table, reference),
                *(gain(table.gains[form, reference][metric]) for metric in METRICS),
                *(gain(table.stratum_gains[form, reference].get(name), p=False) for name in ("head", "tail")),
            )
            for reference in references
        ]
        lines += grid(("over", *LABELS.values(), "NDCG@10 head", "NDCG@10 tail"), rows)
    if table.gains:
        rest = [
            (_reference(table, reference), system, *(gain(found[metric]) for metric in METRICS))
            for (system, reference), found in table.gains.items()
            if system != table.refined
        ]
        lines += ["<details><summary>Gains of the other systems, per cent</summary>", ""]
        lines += [*grid(("over", "system", *LABELS.values()), rest, text=2), "</details>", ""]
    return lines


def _caption(table: Table) -> str:
    """What the columns of the levels mean here, with counts."""
    row = next(row for row in table.rows.values() if row.strata)
    assert row.strata is not None
    cases = {name: f"{stratum.cases:,}" for name, stratum in row.strata.items()}
    trials = sorted({len(row.trials) for row in table.rows.values() if row.seeds})
    return (
        f"{counted(table.cases or 0, 'case')}, split `{(table.split or '')[:12]}`, "
        f"{' or '.join(map(str, trials))} trials per system. NDCG@10 by target: head ({cases['head']} cases, "
        f"the fifth of items with most training events, {table.head_from} or more) / tail ({cases['tail']}); "
        f"by user: short ({cases['short']}, up to {table.short_up_to:g} training events) / "
        f"long ({cases['long']}). Validation is NDCG@10. Times are of one run and of all trials."
    )


def _row(row: Row, *, bold: bool) -> tuple[str, ...]:
    name = f"**{row.system}**" if bold else row.system
    done, planned = len(row.seeds), len(row.planned)
    seeds = str(done) if row.complete else f"{done} of {planned}"
    if not done or row.test is None or row.validation is None or row.strata is None:
        return (name, NOTHING, seeds, "not run", *[NOTHING] * 7)
    by = {stratum: plain(of.metrics[CHOICE]) for stratum, of in row.strata.items()}
    return (
        name,
        str(row.dim),
        seeds + (" †" if done < FULL_SEEDS else ""),
        *(level(row.test[metric]) for metric in METRICS),
        f"{by['head']} / {by['tail']}",
        f"{by['short']} / {by['long']}",
        level(row.validation[CHOICE]),
        duration(row.seconds),
        duration(row.tuning_seconds),
    )


def _reference(table: Table, reference: str) -> str:
    chosen = table.control is not None and reference == table.control.system
    return f"{reference} (strongest control)" if chosen else reference


def _few(table: Table, names: Sequence[str | None]) -> str:
    rows: Mapping[str, Row] = table.rows
    seeds = [len(rows[name].seeds) for name in names if name is not None and name in rows]
    return " †" if any(0 < number < FULL_SEEDS for number in seeds) else ""


def _title(table: Table) -> str:
    return f"{shown(table.dataset)}, {encoder_name(table.encoder)}"
