"""Preparing cases, what reports teach, patches, and the order in which they come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_cases import CLASSES, SPACING, toy_case, toy_geometry, toy_grid, toy_lists, toy_reading, toy_settings
from training_cases import toy_source as source

from RSuperLib.anatomy import Parts
from RSuperLib.io import Cancelled, Grid, InputError, LabelMap, RSuperError
from RSuperLib.report import Reading
from RSuperLib.report.schema import OrganStatus
from RSuperLib.supervision.targets import ellipsoid_volume
from RSuperLib.training import CaseLists, Geometry, Loader, SourceCase, TrainSettings, prepare_cases, reported_as
from RSuperLib.training.batch import Sample, make_batch
from RSuperLib.training.classes import output_classes
from RSuperLib.training.geometry import TrainingGrid
from RSuperLib.training.prepare import check_disk
from RSuperLib.training.prepared import CaseArrays, encode, read_record
from RSuperLib.training.reported import VOLUME_OVER_ELLIPSOID, reported_lesions
from RSuperLib.training.teaching import teaching

PATCH = (16, 16, 16)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> CaseLists:
    return toy_lists(tmp_path_factory.mktemp("prepared"))


# the training grid


def rotated_grid(order: tuple[int, int, int], signs: tuple[int, int, int], spacing: tuple[float, ...]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, axis in enumerate(order):
        affine[axis, column] = signs[column] * spacing[column]
    return Grid((6, 7, 8), affine)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_axes_run_towards_superior_posterior_and_left(order: tuple[int, int, int], signs: tuple[int, int, int]) -> None:
    grid = rotated_grid(order, signs, (2.0, 2.0, 2.0))
    world = grid.to_world(np.stack(np.indices(grid.shape), -1))
    training = TrainingGrid.of(grid, (2.0, 2.0, 2.0))
    superior, anterior, right = (training.labels(world[..., axis]) for axis in (2, 1, 0))
    assert (np.diff(superior, axis=0) > 0).all()
    assert (np.diff(anterior, axis=1) < 0).all()
    assert (np.diff(right, axis=2) < 0).all()
    labels = np.random.default_rng(0).integers(0, 9, grid.shape)
    assert (training.labels_back(training.labels(labels)) == labels).all()


def test_resampling_keeps_means_and_places() -> None:
    grid = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
    training = TrainingGrid.of(grid, (2.5, 2.5, 2.5))
    ramp = np.broadcast_to(np.arange(40)[:, None, None] * 10.0, (40, 40, 40))
    image = training.image(ramp)
    assert image.shape == (16, 16, 16)
    # x of the training grid runs towards left, so against i; the centre of its voxel v is i = 39.5 - 2.5 (v + 0.5)
    expected = 10 * (39.5 - 2.5 * (np.arange(16) + 0.5))
    assert np.abs(image[8, 8] - expected)[1:-1].max() <= 1


def test_image_one_is_the_topmost_slice() -> None:
    training = TrainingGrid.of(Grid((4, 4, 10), np.diag([1.0, 1.0, 3.0, 1.0])), (3.0, 1.0, 1.0))
    assert [training.level(1), training.level(10)] == [9.0, 0.0]


def test_codes_hold_overlapping_masks() -> None:
    masks = np.random.default_rng(1).random((5, 4, 4, 4)) > 0.5
    codes, members = encode(list(masks), (4, 4, 4))
    for number, mask in enumerate(masks):
        assert (np.isin(codes, [code for code, inside in enumerate(members) if number in inside]) == mask).all()


# what a reading teaches


def kidneys() -> Parts:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[1:3], labels[5:7] = 1, 2
    grid = Grid((8, 8, 8), np.eye(4))
    return Parts.from_label_map(LabelMap(labels, grid, {1: "kidney_left", 2: "kidney_right"}))


def kidney_reading(told: list[tuple[str, str | None]], lesions: list[str | None] = []) -> Reading:  # noqa: B006
    reading = toy_reading([9.0])
    finding = reading.findings[0]
    findings = [finding.model_copy(update={"organ": "kidney", "laterality": side}) for side in lesions]
    organs = [
        OrganStatus.model_validate({"organ": "kidney", "status": state, "laterality": side}) for state, side in told
    ]
    return Reading(findings=findings, organs=organs)


@pytest.mark.parametrize(
    ("told", "lesions", "present", "unknown"),
    [
        ([], [], None, {1, 2}),
        ([("no_lesion", None)], [], False, set()),
        ([("normal", "left")], [], None, {2}),
        ([("normal", "left"), ("no_lesion", "right")], [], False, set()),
        ([], ["left"], True, {1, 2}),
        ([("normal", "right")], ["left"], True, {1}),
        ([("no_lesion", None)], ["left"], True, {1}),
        ([], [None], True, {1, 2}),
    ],
)
def test_silence_is_not_no_lesion(
    told: list[tuple[str, str | None]], lesions: list[str | None], present: bool | None, unknown: set[int]
) -> None:
    parts = kidneys()
    taught = teaching(kidney_reading(told, lesions), parts, output_classes(["kidney_lesion"]))
    assert taught.present[0] is present
    mask = taught.unknown.get(0, np.zeros((8, 8, 8), bool))
    sides = {1: parts.masks["kidney_left"], 2: parts.masks["kidney_right"]}
    assert {side for side, inside in sides.items() if mask[inside].all()} == unknown
    assert mask.sum() == sum(sides[side].sum() for side in unknown)


def test_an_unread_report_teaches_nothing() -> None:
    taught = teaching(Reading(status="not_read"), kidneys(), output_classes(["kidney_lesion"]))
    assert taught.unknown_everywhere == {0}
    assert taught.present == {0: None}
    assert not taught.targets


def test_an_organ_without_masks_is_unknown_everywhere() -> None:
    taught = teaching(toy_reading([9.0]), kidneys(), output_classes(["liver_lesion"]))
    assert taught.unknown_everywhere == {0}
    assert not taught.targets


def test_the_published_way_takes_silence_for_no_lesion() -> None:
    taught = teaching(Reading(), kidneys(), output_classes(["kidney_lesion"]), "negative")
    assert taught.present == {0: False}
    assert not taught.unknown


def test_findings_that_share_a_part_are_one_target() -> None:
    reading = kidney_reading([], ["left", "left", "right"])
    targets = teaching(reading, kidneys(), output_classes(["kidney_lesion"])).targets
    assert sorted((one.parts, len(one.findings)) for one in targets) == [(("kidney_left",), 2), (("kidney_right",), 1)]


@pytest.mark.parametrize("sizes", [[10.0], [12.0, 8.0], [12.0, 8.0, 6.0]])
def test_volumes_are_intervals_around_the_ellipsoid(sizes: list[float]) -> None:
    (lesion,), more = reported_lesions(toy_reading(sizes).findings[0])
    low, high = VOLUME_OVER_ELLIPSOID[len(sizes)]
    whole = ellipsoid_volume(lesion.diameters_mm)
    assert (lesion.least_mm3, lesion.most_mm3) == pytest.approx((low * whole, high * whole))
    assert lesion.stated
    assert not more


def test_a_group_gives_its_largest_and_more() -> None:
    lesions, more = reported_lesions(toy_reading([10.0], count=3, count_kind="at_least").findings[0])
    assert [one.stated for one in lesions] == [True, False, False]
    assert more


def test_sizes_up_to_and_from_something_are_open_on_one_side() -> None:
    up_to = toy_reading([], size_kind="upper_bound", size_max_mm=20.0).findings[0]
    from_on = toy_reading([], size_kind="lower_bound", size_min_mm=20.0).findings[0]
    (upper,), (lower,) = reported_lesions(up_to)[0], reported_lesions(from_on)[0]
    assert upper.least_mm3 < 40
    assert upper.most_mm3 is not None
    assert lower.least_mm3 > 1000
    assert lower.most_mm3 is None


# preparing


def test_prepared_once_and_again_when_something_changed(tmp_path: Path) -> None:
    sources = [source(0), source(1)]
    first = prepare_cases(sources, tmp_path, toy_geometry())
    stamps = [(path / "case.json").stat().st_mtime_ns for path in first]
    assert prepare_cases(sources, tmp_path, toy_geometry()) == first
    assert [(path / "case.json").stat().st_mtime_ns for path in first] == stamps
    coarser = Geometry(CLASSES, (4.0, 4.0, 4.0), (-991, 500))
    again = prepare_cases(sources, tmp_path, coarser)
    assert [read_record(path).spacing_mm for path in again] == [(4.0, 4.0, 4.0)] * 2


def test_a_stop_keeps_what_is_complete(tmp_path: Path) -> None:
    def stop(_stage: str, fraction: float) -> None:
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        prepare_cases([source(0), source(1)], tmp_path, toy_geometry(), stop)
    assert [path.name for path in tmp_path.iterdir()] == ["toy_00"]


def test_what_does_not_fit_the_disk_is_refused(tmp_path: Path) -> None:
    check_disk(tmp_path, 1e6)
    with pytest.raises(InputError, match="GB are free"):
        check_disk(tmp_path, 1e18)


def test_a_prepared_case_holds_what_the_case_held(lists: CaseLists) -> None:
    arrays, case = CaseArrays(lists.masks[0]), toy_case(0, True)
    everything = (slice(None),) * 3
    grid = TrainingGrid.of(toy_grid(), (SPACING,) * 3)
    assert (arrays.image(everything) == grid.labels(case.ct.array)).all()
    lesion = [code for code, members in enumerate(arrays.record.class_codes) if 0 in members]
    assert case.annotation is not None
    assert (np.isin(arrays.codes(everything)[0], lesion) == grid.labels(case.annotation.lesions.array > 0)).all()
    assert arrays.record.lesions_by_mask == {0: True}
    assert arrays.record.lesions_by_report == {0: True}
    assert (arrays.distances([0], everything)[0] == 0).sum() == (case.parts.masks["liver"]).sum()


def test_a_report_may_be_given_to_another_case() -> None:
    mixed = reported_as(source(0), source(1)).load()
    assert mixed.annotation is not None
    assert mixed.annotation.lesions.array.any()
    assert not mixed.reading.findings if mixed.reading else False


def test_damaged_cases_are_made_again(tmp_path: Path) -> None:
    (path,) = prepare_cases([source(0)], tmp_path, toy_geometry())
    (path / "case.json").write_text("{")
    prepare_cases([source(0)], tmp_path, toy_geometry())
    assert read_record(path).id == "toy_00"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "toy_00").write_text("a file where the case should go")
    with pytest.raises(RSuperError, match="could not be written"):
        prepare_cases([source(0)], tmp_path, toy_geometry())


# patches


def samples_of(lists: CaseLists, settings: TrainSettings, steps: int, first: int = 0) -> list[list[Sample]]:
    return [one.samples for one in Loader(lists, settings, PATCH).steps(first, steps)]


def with_reports(**changes: object) -> TrainSettings:
    stages = [{"steps": 100, "reports": True}]
    return toy_settings(stages=stages, **changes)


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_half_of_the_patches_are_of_report_cases(lists: CaseLists, batch: int) -> None:
    drawn = [one.role for step in samples_of(lists, with_reports(batch=batch), 20) for one in step]
    assert drawn.count("report") == len(drawn) // 2


def test_every_case_comes_once_a_round(lists: CaseLists) -> None:
    drawn = [one.case.id for step in samples_of(lists, with_reports(), 8) for one in step if one.role == "report"]
    assert sorted(drawn[:4]) == sorted(drawn[4:]) == [path.name for path in lists.reports]


def test_a_mask_stage_has_no_report_cases(lists: CaseLists) -> None:
    assert {one.role for step in samples_of(lists, toy_settings(), 5) for one in step} == {"mask"}


def test_the_order_goes_on_where_it_was_left(lists: CaseLists) -> None:
    settings = with_reports()
    whole, rest = samples_of(lists, settings, 12), samples_of(lists, settings, 12, first=7)
    for one, other in zip(whole[7:], rest, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a.case.id, a.crop.start, a.crop.target) == (b.case.id, b.crop.start, b.crop.target)
            assert (a.image == b.image).all()


def test_processes_share_a_batch(lists: CaseLists) -> None:
    settings = with_reports(batch=4)
    alone = next(Loader(lists, settings, PATCH).steps(0, 1)).samples
    shared = [next(Loader(lists, settings, PATCH, rank=(rank, 2)).steps(0, 1)).samples for rank in (0, 1)]
    assert [one.crop.start for one in alone[0::2]] == [one.crop.start for one in shared[0]]
    assert [one.crop.start for one in alone[1::2]] == [one.crop.start for one in shared[1]]
    assert [one.role for one in shared[0]] == ["report", "mask"]


def test_a_report_case_never_shows_its_mask(lists: CaseLists) -> None:
    for samples in samples_of(lists, with_reports(), 10):
        batch = make_batch(samples, PATCH, toy_settings().normalisation, CPU)
        for row, sample in enumerate(samples):
            has_lesion = sample.case.lesions_by_report[0]
            if sample.role == "report":
                assert not batch.labels[row, 0].any()
                assert bool(batch.unknown[row, 0].any()) <= bool(has_lesion)


def test_a_target_lies_wholly_in_its_patch(tmp_path: Path) -> None:
    lists = toy_lists(tmp_path)
    settings = with_reports(crop={"patch": (24, 24, 24), "plain_share": 0.0})
    found = 0
    for step in Loader(lists, settings, (24, 24, 24)).steps(0, 30):
        batch = make_batch(step.samples, (24, 24, 24), settings.normalisation, CPU)
        for row, sample in enumerate(step.samples):
            for target in batch.targets[row]:
                found += 1
                liver = read_record(lists.reports[0]).targets[0]
                assert target.lesions[0].diameters_mm == pytest.approx((10.0, 10.0, 10.0))
                inside = int((target.distances[0] == 0).sum())
                assert inside == pytest.approx(18 * 16 * 14, rel=0.05 if sample.crop.warp is not None else 0)
                assert (target.distances[0][target.box] == 0).sum() == inside
                assert liver.is_sized
                if batch.segment[row].any():
                    assert batch.volumes[row, 0] == pytest.approx(ellipsoid_volume((10, 10, 10)))
    assert found >= 10


def test_turned_patches_turn_image_and_masks_alike(lists: CaseLists) -> None:
    settings = toy_settings(crop={"patch": PATCH, "warp": {"share": 1.0, "scale": 1.1}})
    compared = 0
    for step in Loader(lists, settings, PATCH).steps(0, 10):
        batch = make_batch(step.samples, PATCH, settings.normalisation, CPU)
        lesion, liver = batch.labels[:, 0], batch.labels[:, 1] & ~batch.labels[:, 0]
        if lesion.sum() > 100:
            compared += 1
            assert batch.hu[lesion].median() == pytest.approx(160, abs=15)
            assert batch.hu[liver].median() == pytest.approx(60, abs=6)
    assert compared


def test_small_cases_are_padded_with_air(lists: CaseLists) -> None:
    patch = (48, 48, 48)
    settings = toy_settings(crop={"patch": patch, "warp": {"share": 0.0}})
    samples = next(Loader(lists, settings, patch).steps(0, 1)).samples
    batch = make_batch(samples, patch, settings.normalisation, CPU)
    assert batch.image.shape == (2, 1, *patch)
    assert (batch.hu[:, 0] == -1000).all()
    assert batch.labels[0, 1].sum() == pytest.approx(18 * 16 * 14, abs=100)


def test_mirrored_patients_only_without_sided_classes() -> None:
    mirrored = {"patch": PATCH, "warp": {"mirror_lateral": True}}
    assert toy_settings(crop=mirrored).crop.warp.mirror_lateral
    with pytest.raises(ValueError, match="kidney_left on the wrong side"):
        toy_settings(crop=mirrored, classes=["kidney_lesion", "kidney_left"])


def test_cases_without_what_should_teach_are_refused(tmp_path: Path) -> None:
    bare = SourceCase("bare", "bare", 0, lambda: replace(toy_case(0, True), annotation=None))
    paths = prepare_cases([bare], tmp_path, toy_geometry())
    with pytest.raises(InputError, match="has not got lesion masks"):
        Loader(CaseLists(paths, []), toy_settings(), PATCH)
