from __future__ import annotations

import numpy as np
import pytest
from judged_by_hand import build_cases, judgement

from cli._compare_fairness import show_counterfactual, show_fairness
from guided_store.errors import UsageError
from guided_store.evaluation import tables_to_csv
from guided_store.fairness import audit, counterfactual, favours, findings, tables
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref


@pytest.fixture(scope="module")
def sections():
    random = np.random.default_rng(2)
    cases = build_cases(random.integers(0, 40, (600, 6)).tolist(), 40)
    sides = np.array(["left", "right"])[np.arange(600) % 2]
    good = np.where(sides == "left", 2, random.integers(1, 40, 600))
    lists = random.integers(0, 40, (600, 10))
    a = judgement(random.integers(1, 40, 600), lists)
    b = judgement(good, np.where(lists < 4, lists + 4, lists))
    table = AttributeTable(
        parse_ref("guided/x"), tuple(f"attribute {n}" for n in range(20)), random.integers(0, 11, (40, 20))
    )
    kept = {
        "user_groups": {"side": sides.tolist(), "few": ["x"] * 20 + ["y"] * 580},
        "item_groups": {"kind": ["old"] * 4 + ["new"] * 36},
        "attributes": table,
        "replicates": 200,
    }
    return audit({"base/a": [a]}, cases, **kept), audit({"base/a": [a], "refined/b": [b, b]}, cases, **kept)


def test_every_figure_of_the_tables_is_one_of_the_section(sections):
    _, section = sections
    by_title = {table.title: table for table in tables(section)}
    assert len(by_title) == len(tables(section))
    change = by_title["NDCG@10 by group of users: refined/b against base/a"]
    rows = {row[0]: row for row in change.rows}
    for row in section.users:
        if row.version == "refined/b" and row.metric == "ndcg@10":
            shown = rows[f"{row.grouping}: {row.group}"]
            assert shown[1] == row.users
            assert shown[3] == row.value
            assert shown[4] == row.change
            assert shown[5] == ("too small" if row.small else row.change_interval)
    assert rows["few: x"][5] == "too small"
    text = tables_to_csv(by_title.values())
    assert "side: left" in text
    assert all(table.to_markdown().startswith("### ") for table in by_title.values())


def test_a_single_version_is_told_of_without_changes(sections):
    alone, both = sections
    assert not any("against" in table.title and "rest" not in table.title for table in tables(alone))
    assert any(table.title == "Exposure by group of items: base/a" for table in tables(alone, brief=True))
    assert len(tables(both, brief=True)) < len(tables(both))
    assert favours(alone, "kind", "old").startswith("base/a gives items of kind 'old' ")


def test_findings_name_the_gap_the_shift_and_the_small_group(sections):
    _, section = sections
    text = "\n".join(findings(section))
    assert "refined/b serves users by side unequally: NDCG@10 is" in text
    assert "lower for 'right' than for 'left'" in text
    assert "base/a: gaps in NDCG@10 between users by taste and side may all be chance" in text
    assert "wider than base/a" in text
    assert "too few users to claim anything of (fewer than 50): few x (20)" in text
    told = "refined/b shows items of kind 'old' less than base/a: 0.00 times the exposure"
    assert favours(section, "kind", "old").startswith(told)


def test_a_group_that_was_not_looked_at(sections):
    _, section = sections
    with pytest.raises(UsageError, match="of 'kind' there are 'new', 'old'"):
        favours(section, "kind", "odd")
    with pytest.raises(UsageError, match="groups are by popularity, kind, attribute 0"):
        favours(section, "colour", "red")


def test_the_terminal_shows_it_within_80_columns(sections, ring, ring_cases, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, section = sections
    show_fairness(section)
    shown = capsys.readouterr().out
    assert "Change of exposure by group of items: refined/b against base/a" in shown
    assert "seeds averaged: base/a 1, refined/b 2" in shown
    show_counterfactual(counterfactual(ring, "refined/small", ring_cases, k=5, replicates=50))
    shown += capsys.readouterr().out
    sentences = [note for table in tables(section, brief=True) for note in table.note.splitlines()]
    for line in shown.splitlines():
        told = line.startswith(("- ", "stays: ", "seeds ")) or line in sentences
        assert told or len(line) <= 80, line
