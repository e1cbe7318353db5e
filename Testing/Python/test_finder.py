"""The weights-free finder: on made-up organs whose lesions are known, and on real lung tumours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from RSuperLib.anatomy import Parts, no_parts
from RSuperLib.bench.finder import score_phantom, summarise
from RSuperLib.evaluation import dice, match_lesions
from RSuperLib.inference import FinderResult, agree_with_finder, find_lesions
from RSuperLib.inference.ball import ball_kernels, ball_scores, passing_through
from RSuperLib.inference.sizes import VOLUME_RATIO, expected_sizes
from RSuperLib.io import Cancelled, Grid, LabelMap, Volume, read_ct, read_label_map
from RSuperLib.phantom import PhantomSettings, make_phantom
from RSuperLib.report import Evidence, Finding, Reading

ORGAN_HU, OUTSIDE_HU = 110, -90
SHAPE = (70, 60, 50)
SPACING = (1.5, 1.5, 2.0)
Sphere = tuple[tuple[int, int, int], float, int]


def finding(lesion_id: str = "f1", organ: str = "liver", **changes: Any) -> Finding:
    words = Evidence(start=0, end=4, text="mass")
    return Finding.model_validate({"lesion_id": lesion_id, "organ": organ, "evidence": [words], **changes})


class Scene:
    """A box-shaped organ in fat with spherical lesions, noisy as a CT is."""

    def __init__(self, *spheres: Sphere, name: str = "liver", axes: tuple[int, int, int] = (0, 1, 2)) -> None:
        affine = np.diag([*SPACING, 1.0])[:, [*axes, 3]]
        self.grid = Grid(tuple(SHAPE[axis] for axis in axes), affine)
        organ = np.zeros(SHAPE, np.uint8)
        organ[8:-8, 8:-8, 6:-6] = 1
        hu = np.where(organ, ORGAN_HU, OUTSIDE_HU).astype(float)
        lesions = np.zeros(SHAPE, np.uint16)
        for label, (centre, diameter, value) in enumerate(spheres, 1):
            offset = (np.moveaxis(np.indices(SHAPE), 0, -1) - centre) * SPACING
            inside = np.linalg.norm(offset, axis=-1) <= diameter / 2
            hu[inside], lesions[inside] = value, label
        hu += np.random.default_rng(0).normal(0, 10, SHAPE)
        self.lesions = lesions.transpose(axes)
        self.ct = Volume(hu.astype(np.int16).transpose(axes), self.grid)
        self.parts = Parts.from_label_map(LabelMap(organ.transpose(axes), self.grid, {1: name}))

    def find(self, *findings: Finding) -> FinderResult:
        return find_lesions(self.ct, findings, self.parts)


DARK: Sphere = ((25, 30, 20), 20.0, 60)
BRIGHT: Sphere = ((50, 25, 30), 14.0, 170)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_lesion_is_found_on_any_order_of_axes(axes: tuple[int, int, int]) -> None:
    scene = Scene(DARK, axes=axes)
    found = scene.find(finding(diameters_mm=[20.0], attenuation="hypo"))
    assert found.placed == {"f1": [1]}
    assert found.reasons == {}
    assert dice(found.labels, scene.lesions) > 0.85
    assert found.labels.dtype == np.uint16
    assert found.likelihood.shape == found.labels.shape == scene.grid.shape
    assert 0 <= found.likelihood.min() <= found.likelihood.max() <= 1


@pytest.mark.parametrize(("attenuation", "label"), [("hypo", 1), ("hyper", 2)])
def test_the_attenuation_decides_between_two_lesions(attenuation: str, label: int) -> None:
    scene = Scene(DARK, BRIGHT)
    found = scene.find(finding(diameters_mm=[17.0], attenuation=attenuation))
    assert [pair.true for pair in match_lesions(found.labels, scene.lesions)] == [label]


def test_each_finding_gets_its_own_lesion_by_size() -> None:
    """Both look alike; the smaller finding must not take the larger lesion, in whatever order they are told."""
    scene = Scene(DARK, ((50, 25, 30), 11.0, 60))
    small, large = finding("small", diameters_mm=[11.0]), finding("large", diameters_mm=[20.0])
    for findings in ([small, large], [large, small]):
        found = scene.find(*findings)
        pairs = {pair.true: pair.found for pair in match_lesions(found.labels, scene.lesions)}
        assert found.placed == {"large": [pairs[1]], "small": [pairs[2]]}


def test_two_lesions_of_one_finding_are_two_labels() -> None:
    scene = Scene(DARK, ((50, 25, 30), 18.0, 60))
    found = scene.find(finding(diameters_mm=[20.0], count=2, count_kind="exact", multiplicity="multiple"))
    assert found.placed == {"f1": [1, 2]}
    assert len(match_lesions(found.labels, scene.lesions)) == 2


def test_a_group_of_unknown_number_stops_where_nothing_is_clear() -> None:
    scene = Scene(DARK, ((50, 25, 30), 18.0, 60))
    found = scene.find(finding(diameters_mm=[20.0], attenuation="hypo", multiplicity="multiple"))
    assert len(match_lesions(found.labels, scene.lesions)) == 2
    assert len(found.placed["f1"]) == 2


def test_a_lesion_without_a_size_is_found_and_outlined() -> None:
    scene = Scene(DARK)
    assert dice(scene.find(finding(attenuation="hypo")).labels, scene.lesions) > 0.7


def test_the_named_part_is_searched_not_the_whole_organ() -> None:
    scene = Scene(DARK, ((50, 30, 20), 20.0, 60))
    halves = np.zeros(SHAPE, np.uint8)
    halves[8:35, 8:-8, 6:-6], halves[35:-8, 8:-8, 6:-6] = 1, 2
    names = {1: "liver_segment_7", 2: "liver_segment_3"}
    parts = Parts.from_label_map(LabelMap(halves, scene.grid, names))
    for label, segment in ((1, "liver_segment_7"), (2, "liver_segment_3")):
        found = find_lesions(scene.ct, [finding(diameters_mm=[20.0], organ_masks=[segment])], parts)
        assert [pair.true for pair in match_lesions(found.labels, scene.lesions)] == [label]


def test_a_hole_in_a_lung_mask_is_searched() -> None:
    scene = Scene(((35, 30, 25), 30.0, 40), name="lung_left")
    hu = np.where(scene.lesions == 0, scene.ct.array - ORGAN_HU - 850, scene.ct.array).astype(np.int16)
    lung = np.zeros(SHAPE, np.uint8)
    lung[8:-8, 8:-8, 6:-6] = 1
    lung[scene.lesions > 0] = 0
    parts = Parts.from_label_map(LabelMap(lung, scene.grid, {1: "lung_left"}))
    mass = finding(organ="lung", laterality="left", diameters_mm=[30.0])
    assert dice(find_lesions(Volume(hu, scene.grid), [mass], parts).labels, scene.lesions) > 0.85


def test_an_organ_that_does_not_stand_out_gives_a_reason_not_a_lesion() -> None:
    found = Scene().find(finding(diameters_mm=[20.0], attenuation="hypo"))
    assert not found.labels.any()
    assert found.placed == {}
    assert "liver" in found.reasons["f1"]


@pytest.mark.parametrize("organ", ["spleen", "lymph_node", "other"])
def test_without_a_mask_there_is_a_reason(organ: str) -> None:
    found = Scene(DARK).find(finding(organ=organ, diameters_mm=[20.0]))
    assert not found.labels.any()
    assert "no mask" in found.reasons["f1"]


def test_a_mask_without_voxels_is_said_to_be_empty() -> None:
    scene = Scene(DARK)
    empty = Parts.from_label_map(LabelMap(np.zeros(SHAPE, np.uint8), scene.grid, {1: "liver"}))
    found = find_lesions(scene.ct, [finding(diameters_mm=[20.0]), finding("f2", "spleen")], empty)
    assert found.reasons["f1"].startswith("The mask of the liver is empty")
    assert found.reasons["f2"].startswith("There is no mask of the spleen")


def test_of_two_findings_at_one_place_the_second_hears_that_it_was_taken() -> None:
    twins = [finding(name, diameters_mm=[20.0], attenuation="hypo") for name in ("f1", "f2")]
    scene = Scene(DARK)
    found = scene.find(*twins)
    (lost,) = {"f1", "f2"} - set(found.placed)
    assert "already taken by another finding" in found.reasons[lost]
    agreement = agree_with_finder(Reading(findings=twins), found, scene.parts)
    assert sorted(row.state for row in agreement.rows) == ["agrees", "cannot tell"]
    assert [row.reasons for row in agreement.rows if row.finding == lost] == [[found.reasons[lost]]]


def test_a_lesion_is_of_the_organ_that_its_finding_names_where_masks_overlap() -> None:
    scene = Scene(DARK)
    organ = scene.parts.masks["liver"].astype(np.uint8)
    parts = Parts.from_label_map(LabelMap(organ, scene.grid, {1: "liver"}))
    parts.masks.add_labels((scene.lesions > 0).astype(np.uint8), {1: "stomach"})
    reading = Reading(findings=[finding(diameters_mm=[20.0], attenuation="hypo")])
    found = FinderResult(scene.lesions, scene.lesions.astype(np.float32), {"f1": [1]})
    assert [lesion.organ for lesion in agree_with_finder(reading, found, parts).lesions] == ["liver"]


def test_without_any_part_nothing_is_found_and_nothing_fails() -> None:
    scene = Scene(DARK)
    found = find_lesions(scene.ct, [finding(diameters_mm=[20.0])], no_parts(scene.grid))
    assert list(found.reasons) == ["f1"]


@pytest.mark.parametrize("diameter", [0.5, 400.0])
def test_a_size_that_cannot_be_is_no_crash(diameter: float) -> None:
    found = Scene(DARK).find(finding(diameters_mm=[diameter]))
    assert found.placed or found.reasons


def test_a_part_of_one_voxel_is_no_crash() -> None:
    scene = Scene(DARK)
    dot = np.zeros(SHAPE, np.uint8)
    dot[0, 0, 0] = 1
    parts = Parts.from_label_map(LabelMap(dot, scene.grid, {1: "adrenal_gland_left"}))
    found = find_lesions(scene.ct, [finding(organ="adrenal", diameters_mm=[20.0])], parts)
    assert found.placed or found.reasons


def test_what_is_not_there_now_is_not_looked_for() -> None:
    found = Scene(DARK).find(finding(diameters_mm=[20.0], presence="absent"), finding("old", temporality="prior"))
    assert not found.labels.any()
    assert found.reasons == {}


def test_it_can_be_cancelled() -> None:
    def cancel(_stage: str, _fraction: float) -> None:
        raise Cancelled

    scene = Scene(DARK)
    with pytest.raises(Cancelled):
        find_lesions(scene.ct, [finding(diameters_mm=[20.0])], scene.parts, cancel)


def test_ball_scores_are_those_of_the_definition() -> None:
    """FFT against the plain sum at some centres, one of them at the border."""
    random = np.random.default_rng(1)
    likelihood = random.random((17, 14, 11)).astype(np.float32)
    trust = (random.random(likelihood.shape) > 0.3).astype(np.float32)
    kernels = ball_kernels(np.diag([1.0, 1.5, 2.0]), 7.0, 9.0)
    scores = ball_scores(likelihood * trust, trust, kernels)
    reach = [n // 2 for n in kernels.ball.shape]
    padded = [np.pad(array, [(r, r) for r in reach]) for array in (likelihood * trust, trust)]
    for centre in ((8, 7, 5), (0, 0, 0), (16, 3, 10)):
        like, known = (a[tuple(slice(c, c + 2 * r + 1) for c, r in zip(centre, reach, strict=True))] for a in padded)
        inside = (like * kernels.ball).sum() / kernels.ball.sum()
        around = (like * kernels.shell).sum() / ((known * kernels.shell).sum() + 0.3 * kernels.shell.sum())
        assert scores[centre] == pytest.approx(inside - around, abs=1e-5)


def test_a_vessel_passes_through_and_a_ball_does_not() -> None:
    kernels = ball_kernels(np.eye(3), 9.0, 9.0)
    offsets = np.moveaxis(np.indices((31, 31, 31)), 0, -1) - 15
    ball = (np.linalg.norm(offsets, axis=-1) <= 4.5).astype(np.float32)
    tube = (np.linalg.norm(offsets[..., :2], axis=-1) <= 4.5).astype(np.float32)
    trust = np.ones_like(ball)
    assert passing_through(tube, trust, kernels, (15, 15, 15)) > 0.4
    assert passing_through(ball, trust, kernels, (15, 15, 15)) < 0.1


def test_the_volume_intervals_hold_for_real_tumours(data_dir: Path) -> None:
    """The percentiles in the code are those of the tumours that they were taken from."""
    rows = [line.split(",") for line in (data_dir / "kidney_masks" / "tumours.csv").read_text().splitlines()]
    columns = {name: number for number, name in enumerate(rows[0])}
    longest, across, tall, volume = (
        np.array([float(row[columns[name]]) for row in rows[1:]])
        for name in ("longest_axial_mm", "perpendicular_mm", "craniocaudal_mm", "volume_ml")
    )
    thirds = {1: (longest, longest), 2: (across, (longest + across) / 2), 3: (across, tall)}
    for count, (second, third) in thirds.items():
        ratio = 1000 * volume / (np.pi / 6 * longest * second * third)
        assert np.percentile(ratio, [2.5, 50, 97.5]) == pytest.approx(VOLUME_RATIO[count], abs=0.01)


def test_three_diameters_make_an_ellipsoid() -> None:
    size = expected_sizes(finding(diameters_mm=[30.0, 20.0, 50.0]))[0]
    assert (size.axial_mm, size.craniocaudal_mm) == (pytest.approx(600**0.5), 50.0)
    assert size.volume_mm3[0] < np.pi / 6 * 30 * 20 * 50 < size.volume_mm3[1]


LUNGS = [("lung1_001", "left", 2, 0.6), ("lung1_002", "right", 2, 0.55)]
LUNGS += [("lung1_001", "left", 3, 0.7), ("lung1_002", "right", 3, 0.7)]


@pytest.mark.parametrize(("case", "side", "diameters", "least"), LUNGS)
def test_real_lung_tumours(data_dir: Path, case: str, side: str, diameters: int, least: float) -> None:
    folder = data_dir / "ct" / case
    truth = json.loads((folder / "truth.json").read_text())
    names = {label: name for name, label in truth["organ_labels"].items()}
    parts = Parts.from_label_map(read_label_map(folder / "organs.nii.gz", names))
    sizes = [truth["tumours"][0][f"{name}_mm"] for name in ("longest_axial", "perpendicular", "craniocaudal")]
    mass = finding(organ="lung", laterality=side, organ_masks=[f"lung_{side}"], diameters_mm=sizes[:diameters])
    found = find_lesions(read_ct(folder / "ct.nii.gz"), [mass], parts)
    assert dice(found.labels, read_label_map(folder / "tumour.nii.gz").array) >= least


def test_phantoms_are_scored() -> None:
    settings = PhantomSettings(prevalence=1.0, organs=("liver", "kidney"), phase="portal", contrast=2.0)
    scores = [score_phantom(make_phantom(0, settings), "truth")]
    summary = summarise(scores)
    assert summary["lesions"] == sum(len(score.lesions) for score in scores) > 0
    assert 0 <= summary["recall"]["low"] <= summary["recall"]["mean"] <= summary["recall"]["high"] <= 1
    assert summary["dice"]["mean"] <= summary["recall"]["mean"]
    assert "missing" not in summary["states"]
    assert "extra" not in summary["states"]
