from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_by_hand import build_cases

from guided_store.errors import UsageError
from guided_store.fairness import activity, attribute_bands, make_grouping, popularity, taste
from guided_store.fairness._groups import MOST, OTHER, by_quantiles
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref


def of(grouping, label):
    """Rows of a group."""
    return np.flatnonzero(grouping.member[:, grouping.labels.index(label)]).tolist()


def test_labels_are_ordered_by_number_then_by_letter_and_blanks_are_in_no_group():
    grouping = make_grouping("age", ["25", "1", None, "18", "over", "1", " "])
    assert grouping.labels == ("1", "18", "25", "over")
    assert of(grouping, "1") == [1, 5]
    assert not grouping.member[[2, 6]].any()


def test_a_cell_of_several_labels_counts_in_each():
    grouping = make_grouping("genres", ["Comedy|Drama", "Drama", None], separator="|")
    assert grouping.labels == ("Comedy", "Drama")
    assert grouping.member.tolist() == [[True, True], [False, True], [False, False]]
    assert make_grouping("genres", ["Comedy|Drama"]).labels == ("Comedy|Drama",)


def test_many_labels_keep_the_largest_and_put_the_rest_together():
    values = [f"g{number:02d}" for number in range(40) for _ in range(number + 1)]
    grouping = make_grouping("brand", values)
    assert len(grouping.labels) == MOST
    assert grouping.labels[-1] == OTHER
    assert "g39" in grouping.labels
    assert "g00" not in grouping.labels
    assert (grouping.member.sum(axis=1) == 1).all()


def test_bands_begin_at_their_edges():
    grouping = make_grouping("age", ["24", "25", "44", "45", None], edges=(25, 45))
    assert grouping.labels == ("below 25", "25 to below 45", "45 and more")
    assert [of(grouping, label) for label in grouping.labels] == [[0], [1, 2], [3]]


@pytest.mark.parametrize("edges", [(), (3, 3), (5, 1), (1, np.inf)])
def test_edges_must_grow(edges):
    with pytest.raises(UsageError, match="growing numbers"):
        make_grouping("age", ["1"], edges=edges)


def test_bands_of_words_are_refused():
    with pytest.raises(UsageError, match=r"'city' holds other things than numbers.*Rome"):
        make_grouping("city", ["Rome"], edges=(1,))


def test_few_numbers_are_groups_and_many_are_quarters():
    assert make_grouping("stars", np.array([1, 5, 5])).labels == ("1", "5")
    years = make_grouping("year", np.arange(1900, 2000))
    assert years.labels == ("1900 to 1924", "1925 to 1949", "1950 to 1974", "1975 to 1999")


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(-5, 5), st.just(np.nan)), min_size=1, max_size=60),
    st.integers(2, 5),
)
def test_bands_part_the_known_rows_in_order_and_never_one_value(values, parts):
    array = np.array(values, np.float64)
    grouping = by_quantiles("x", array, parts)
    assert (grouping.member.sum(axis=1) == ~np.isnan(array)).all()
    assert len(grouping.labels) <= parts
    assert len(set(grouping.labels)) == len(grouping.labels)
    bands = [array[column] for column in grouping.member.T]
    assert all(len(band) for band in bands)
    for lower, upper in pairwise(bands):
        assert lower.max() < upper.min()


def test_activity_and_taste_come_from_the_history_and_training_alone():
    # i0 trains nine times, i1 once, i2 and i3 never; every user's last two events are held out.
    histories = [[0] * 9 + [2, 3], [1, 2, 3], [0, 3, 2]]
    cases = build_cases(histories, 4)
    assert cases.train_counts.tolist() == [10, 1, 0, 0]
    assert activity(cases).labels == ("2", "10")
    found = taste(cases)
    # percentiles: i2 and i3 25, i1 62.5, i0 87.5; means over histories with the validation item
    means = [(9 * 87.5 + 25) / 10, (62.5 + 25) / 2, (87.5 + 25) / 2]
    assert of(found, found.labels[0]) == [int(np.argmin(means))]
    assert of(found, found.labels[-1]) == [int(np.argmax(means))]
    assert found.labels[0].startswith("niche, 43.8")


def test_items_are_head_torso_and_tail():
    histories = [[item] * (10 - item) + [0, 0] for item in range(10)]
    assert popularity(build_cases(histories, 12)).member.sum(axis=0).tolist() == [2, 3, 7]


def table(*columns):
    raw = np.array(columns, np.float32).T
    return AttributeTable(parse_ref("guided/x"), tuple("abc"[: len(columns)]), raw)


def test_attributes_are_low_middle_and_high_and_a_crowd_stands_alone():
    spread, crowd = attribute_bands(table([0, 3, 4, 7, np.nan, 10], [0, 0, 0, 2, 8, 5]))
    assert spread.labels == ("low, to 3", "middle", "high, from 7")
    assert [of(spread, label) for label in spread.labels] == [[0, 1], [2], [3, 5]]
    assert crowd.labels == ("0", "low, to 3, not 0", "middle", "high, from 7")
    assert [of(crowd, label) for label in crowd.labels] == [[0, 1, 2], [3], [5], [4]]


def test_scores_within_one_band_are_thirds_and_no_scores_no_groups():
    inside, none = attribute_bands(table(np.linspace(4, 6, 30), [np.nan] * 30))
    assert [label.split(",")[0] for label in inside.labels] == ["low", "middle", "high"]
    assert inside.member.sum(axis=0).tolist() == [10, 10, 10]
    assert none.labels == ()
