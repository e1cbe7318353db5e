"""Case, lesion and voxel figures of segmentations, checked by hand and against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from RSuperLib.evaluation.cases import auc, best_threshold, case_figures, case_score, paired_difference
from RSuperLib.evaluation.detection import (
    CaseDetection,
    TrueLesion,
    detect,
    free_response,
    lesion_figures,
    sensitivity_at,
)
from RSuperLib.evaluation.lesions import connected_lesions
from RSuperLib.evaluation.surfaces import surfaces
from RSuperLib.evaluation.voxels import voxel_scores
from RSuperLib.io import Grid

SPACING = (0.8, 1.1, 2.5)


def grid(shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Grid:
    return Grid(shape, np.diag([*spacing, 1.0]))


def ellipsoid(shape: tuple[int, int, int], centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    axes = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, SPACING, strict=True)], indexing="ij")
    return sum(((x - c) / r) ** 2 for x, c, r in zip(axes, centre, radii, strict=True)) < 1


@pytest.mark.parametrize("shift", [0.0, 2.0, 6.0, 40.0])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the package compared with
def test_surfaces_agree_with_surface_distance(shift: float) -> None:
    import surface_distance

    shape = (80, 60, 30)
    one, other = ellipsoid(shape, (20, 30, 35), (9, 12, 14)), ellipsoid(shape, (20 + shift, 31, 36), (9, 10, 15))
    mine = surfaces(one, other, SPACING)
    theirs = surface_distance.compute_surface_distances(other, one, SPACING)
    assert mine.dice(2.0) == pytest.approx(surface_distance.compute_surface_dice_at_tolerance(theirs, 2.0), abs=1e-6)
    assert mine.hausdorff() == pytest.approx(surface_distance.compute_robust_hausdorff(theirs, 95), abs=1e-5)


def test_a_lesion_at_the_border_of_the_scan_has_its_whole_surface() -> None:
    mask = np.zeros((12, 12, 12), bool)
    mask[:4] = True
    inner = np.zeros((20, 20, 20), bool)
    inner[4:8, 4:16, 4:16] = True
    same = surfaces(mask, mask, (1.0, 1.0, 1.0))
    assert same.dice(0.0) == 1
    assert same.true_areas.sum() == pytest.approx(surfaces(inner, inner, (1.0, 1.0, 1.0)).true_areas.sum())


def test_an_empty_mask_has_no_surface() -> None:
    with pytest.raises(ValueError, match="empty"):
        surfaces(np.zeros((4, 4, 4)), np.ones((4, 4, 4)), SPACING)


def test_voxel_scores_of_a_box() -> None:
    true = np.zeros((20, 20, 20), np.uint8)
    true[5:15, 5:15, 5:15] = 1
    found = np.zeros_like(true)
    found[5:15, 5:15, 5:10] = 3
    scores = voxel_scores(found, true, grid(true.shape))
    assert scores is not None
    assert scores.dice == pytest.approx(2 * 500 / 1500)
    assert scores.volume_error_mm3 == -500
    assert scores.relative_volume_error == -0.5
    assert scores.hausdorff_95_mm == pytest.approx(5)


def test_nothing_to_find_is_not_scored_and_nothing_found_is_zero() -> None:
    empty, full = np.zeros((5, 5, 5)), np.ones((5, 5, 5))
    assert voxel_scores(empty, empty, grid((5, 5, 5))) is None
    missed, false = voxel_scores(empty, full, grid((5, 5, 5))), voxel_scores(full, empty, grid((5, 5, 5)))
    assert missed is not None
    assert false is not None
    assert (missed.dice, missed.surface_dice, missed.hausdorff_95_mm) == (0, 0, None)
    assert (false.dice, false.relative_volume_error) == (0, None)


def test_a_case_scores_by_its_largest_component() -> None:
    probabilities = np.zeros((10, 10, 10), np.float32)
    probabilities[:2, :2, :2] = 0.9
    probabilities[6:9, 6:9, 6:9] = 0.6
    assert case_score(probabilities, grid(probabilities.shape, (1.0, 1.0, 2.0))) == pytest.approx(27 * 0.6 * 2)
    assert 0 < case_score(probabilities * 0.5, grid(probabilities.shape)) < 0.01
    assert case_score(np.zeros((4, 4, 4)), grid((4, 4, 4))) == 0


def test_the_threshold_is_the_best_on_validation() -> None:
    assert best_threshold([1, 2, 8, 9], [False, False, True, True]) == 5
    assert best_threshold([3, 9], [True, True]) < 3
    with pytest.raises(ValueError, match="lesion"):
        best_threshold([1, 2], [False, False])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_auc_is_the_chance_to_rank_right(pairs: list[tuple[int, bool]]) -> None:
    scores, truths = np.array([s for s, _ in pairs], float), np.array([t for _, t in pairs])
    with_lesion, without = scores[truths], scores[~truths]
    value = auc(scores, truths)
    if not len(with_lesion) or not len(without):
        assert np.isnan(value)
    else:
        wins = [(a > b) + 0.5 * (a == b) for a in with_lesion for b in without]
        assert value == pytest.approx(np.mean(wins))


def test_case_figures_by_hand() -> None:
    figures = case_figures([0.9, 0.8, 0.3, 0.7, 0.1, 0.2], [True, True, True, False, False, False], 0.5)
    assert figures.sensitivity.value == pytest.approx(2 / 3, abs=1e-4)
    assert figures.specificity.value == pytest.approx(2 / 3, abs=1e-4)
    assert figures.f1.value == pytest.approx(2 / 3, abs=1e-4)
    assert figures.auc.value == pytest.approx(8 / 9, abs=1e-4)
    assert figures.f1.low is not None
    assert figures.f1.low < 2 / 3


def test_figures_without_a_positive_case_are_not_numbers() -> None:
    figures = case_figures([0.1, 0.2], [False, False], 0.5)
    assert figures.sensitivity.value is None
    assert figures.auc.value is None
    assert figures.specificity.value == 1


def test_paired_difference_of_equal_models_is_zero() -> None:
    rng = np.random.default_rng(0)
    truths = rng.random(60) < 0.5
    good = [(float(t) + rng.normal(0, 0.3), bool(t)) for t in truths]
    bad = [(rng.normal(), bool(t)) for t in truths]
    same = paired_difference(good, good, (0.5, 0.5))
    better = paired_difference(good, bad, (0.5, 0.0))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert better.low is not None
    assert better.low > 0
    with pytest.raises(ValueError, match="same cases"):
        paired_difference(good, bad[:-1], (0.5, 0.5))


def test_lesions_are_matched_one_to_one() -> None:
    true = np.zeros((30, 30, 30), np.uint8)
    true[2:8, 2:8, 2:8] = 1
    true[20:24, 20:24, 20:24] = 1
    found = np.zeros_like(true)
    found[2:8, 2:8, 2:6] = 1
    found[14:16, 2:4, 2:4] = 1
    space = grid(true.shape, (2.0, 2.0, 2.0))
    result = detect(connected_lesions(found, space), connected_lesions(true, space), found * 0.7, space)
    assert [round(lesion.dice, 2) for lesion in result.true] == [0.8, 0.0]
    assert [lesion.score for lesion in result.true] == [pytest.approx(0.7), None]
    assert len(result.false) == 1
    figures = lesion_figures([result])
    assert figures["recall"].value == 0.5
    assert figures["precision"].value == 0.5
    assert figures["f1"].value == 0.5
    assert figures["dice"].value == pytest.approx(0.4)
    assert figures["f1_10_to_20_mm"].value == figures["f1_10_to_20_mm"].value
    assert figures["f1_0_to_10_mm"].value == 0


def test_free_response_trades_sensitivity_for_false_lesions() -> None:
    cases = [
        CaseDetection([TrueLesion(12, 0.8, 0.9), TrueLesion(12, 0.5, 0.4)], [(0.6, 9.0)]),
        CaseDetection([TrueLesion(12)], [(0.2, 9.0)]),
    ]
    curve = free_response(cases)
    assert curve == [(0.0, 1 / 3), (0.5, 1 / 3), (0.5, 2 / 3), (1.0, 2 / 3)]
    assert sensitivity_at(curve, 0.125) == pytest.approx(1 / 3)
    assert sensitivity_at(curve, 8.0) == pytest.approx(2 / 3)
    assert free_response([CaseDetection([], [(0.5, 9.0)])]) == []
