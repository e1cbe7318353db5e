"""Connected lesions, Dice and one-to-one matching."""

from __future__ import annotations

import numpy as np
import pytest

from RSuperLib.evaluation import connected_lesions, dice, match_lesions
from RSuperLib.io import Grid

GRID = Grid((20, 20, 20), np.diag([2.0, 1.0, 0.5, 1.0]))


def cubes(*places: tuple[int, int]) -> np.ndarray:
    """Labels 1, 2, …: cubes from a corner (on the diagonal) with an edge length."""
    labels = np.zeros((20, 20, 20), np.uint16)
    for label, (start, edge) in enumerate(places, 1):
        labels[start : start + edge, start : start + edge, start : start + edge] = label
    return labels


def test_pieces_are_numbered_from_the_largest() -> None:
    labels = connected_lesions(cubes((0, 2), (5, 4), (15, 3)), GRID)
    assert [int((labels == n).sum()) for n in (1, 2, 3)] == [64, 27, 8]


def test_voxels_that_share_a_corner_are_one_lesion() -> None:
    assert connected_lesions(cubes((0, 3), (3, 3)), GRID).max() == 1


def test_small_pieces_are_left_out_by_their_volume_in_mm3() -> None:
    labels = connected_lesions(cubes((0, 2), (5, 4)), GRID, least_mm3=8.5)  # a voxel is 1 mm3
    assert labels.max() == 1
    assert (labels > 0).sum() == 64


def test_dice_is_one_for_two_empty_masks_and_zero_for_one() -> None:
    empty, full = cubes(), cubes((3, 4))
    assert (dice(empty, empty), dice(full, empty), dice(full, full * 7)) == (1.0, 0.0, 1.0)


def test_dice_of_half_an_overlap() -> None:
    one, other = np.zeros((4, 1, 1)), np.zeros((4, 1, 1))
    one[:2], other[1:3] = 1, 1
    assert dice(one, other) == pytest.approx(0.5)


def test_pairs_overlap_enough_and_are_one_to_one() -> None:
    pairs = match_lesions(cubes((0, 5), (10, 4)), cubes((1, 5), (14, 3)))
    assert [(pair.found, pair.true) for pair in pairs] == [(1, 1)]
    assert pairs[0].iou == pytest.approx(64 / (125 + 125 - 64))
    assert pairs[0].dice == pytest.approx(128 / 250)


def test_the_best_sum_wins_not_the_first_pair() -> None:
    """One found lesion covers two true ones; a second covers only the larger: both true ones are matched."""
    true = np.zeros((12, 1, 1), np.uint16)
    true[:4], true[4:10] = 1, 2
    found = np.zeros_like(true)
    found[:6], found[6:10] = 1, 2
    assert [(pair.found, pair.true) for pair in match_lesions(found, true)] == [(1, 1), (2, 2)]


def test_a_touch_is_no_match() -> None:
    assert match_lesions(cubes((0, 5)), cubes((4, 5))) == []


def test_nothing_matches_nothing() -> None:
    assert match_lesions(cubes(), cubes((2, 3))) == []
    assert match_lesions(cubes((2, 3)), cubes()) == []
