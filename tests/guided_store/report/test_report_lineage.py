"""The graph of versions: everything stands right of what it was made from."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.report._lineage import layout, lineage_svg
from guided_store.versions import VersionInfo

Make = Callable[..., VersionInfo]


@st.composite
def _graphs(draw: st.DrawFn) -> list[list[int]]:
    """For each of some versions, the earlier ones that it was made from."""
    count = draw(st.integers(1, 9))
    return [draw(st.lists(st.integers(0, row - 1), max_size=3)) if row else [] for row in range(count)]


@settings(deadline=None)
@given(graph=_graphs(), order=st.randoms(use_true_random=False))
def test_layers_follow_parents(make_info: Make, graph: list[list[int]], order: object) -> None:
    infos = [
        make_info(f"base/v{row}", tuple(f"base/v{one}" for one in parents))
        for row, parents in enumerate(graph)
    ]
    order.shuffle(infos)  # type: ignore[attr-defined]
    nodes = {node.name: node for node in layout(infos)}
    assert len(nodes) == len(graph)
    for info in infos:
        layers = [nodes[parent].layer for parent in info.parents]
        assert nodes[str(info.ref)].layer == 1 + max(layers, default=-1)
    taken = {(node.layer, node.row) for node in nodes.values()}
    assert len(taken) == len(nodes)


def test_a_parent_that_is_gone_still_stands_there(make_info: Make) -> None:
    nodes = layout([make_info("refined/x", ("base/gone",))])
    assert [(node.name, node.info is None, node.layer) for node in nodes] == [
        ("base/gone", True, 0),
        ("refined/x", False, 1),
    ]
    assert "no longer in the store" in lineage_svg([make_info("refined/x", ("base/gone",))], {})


def test_names_that_were_given_again_end(make_info: Make) -> None:
    again = [make_info("base/a", ("base/b",)), make_info("base/b", ("base/a",))]
    assert {node.name for node in layout(again)} == {"base/a", "base/b"}
    assert "<svg" in lineage_svg(again, {})


def test_the_graph_marks_what_is_compared_and_says_itself_in_words(make_info: Make) -> None:
    svg = lineage_svg([make_info("refined/x", ("base/b",)), make_info("base/b")], {"refined/x": 1})
    assert svg.count('class="chosen"') == 1
    assert "--dot:var(--v1)" in svg
    assert svg.count("<path") == 1
    assert "refined/x from base/b" in svg


def test_long_and_hostile_names_are_cut_and_escaped(make_info: Make) -> None:
    svg = lineage_svg([make_info(f"base/{'<b>' * 30}")], {})
    assert "<b>" not in svg
    assert "…" in svg
