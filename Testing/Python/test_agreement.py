"""Findings and lesions side by side: every state, and what may never be said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from RSuperLib.agreement import Agreement, Lesion, MaskSource, agree, measure_lesions
from RSuperLib.anatomy import Parts
from RSuperLib.io import Grid, LabelMap
from RSuperLib.report import Evidence, Finding, OrganStatus, Reading

EVERYTHING = MaskSource(covers=lambda _organ, _side: True, searched=True)
NOTHING = MaskSource(covers=lambda _organ, _side: False)


def finding(lesion_id: str = "f1", organ: str = "liver", **changes: Any) -> Finding:
    words = Evidence(start=0, end=4, text="mass")
    return Finding.model_validate({"lesion_id": lesion_id, "organ": organ, "evidence": [words], **changes})


def lesion(label: int = 1, organ: str = "liver", size: float = 20.0, parts: Sequence[str] = ()) -> Lesion:
    return Lesion(
        label=label, organ=organ, parts=list(parts), volume_mm3=size**3 / 2, diameters_mm=[size, size, size],
        max_probability=0.9,
    )  # fmt: skip


def states(agreement: Agreement) -> list[tuple[str | None, int | None, str]]:
    return [(row.finding, row.lesion, row.state) for row in agreement.rows]


def compare(findings: list[Finding], lesions: list[Lesion], source: MaskSource = EVERYTHING, **said: Any) -> Agreement:
    return agree(Reading(findings=findings, **said), lesions, source)


@pytest.mark.parametrize(
    ("reported", "measured", "state"),
    [
        ([20.0], 20.0, "agrees"),
        ([20.0], 31.0, "agrees"),  # masks are drawn generously
        ([20.0], 14.0, "agrees"),
        ([20.0], 40.0, "differs"),
        ([20.0], 9.0, "differs"),
        ([60.0, 40.0], 55.0, "agrees"),
        ([60.0, 40.0], 25.0, "differs"),
        ([4.0], 6.0, "agrees"),  # two voxels more on a small one are nothing
        ([], 80.0, "agrees"),
    ],
)
def test_size(reported: list[float], measured: float, state: str) -> None:
    agreement = compare([finding(diameters_mm=reported)], [lesion(size=measured)])
    assert states(agreement) == [("f1", 1, state)]
    assert bool(agreement.rows[0].reasons) == (state == "differs" or not reported)


@pytest.mark.parametrize(
    ("bounds", "measured", "state"),
    [
        ({"size_kind": "upper_bound", "size_max_mm": 10.0}, 6.0, "agrees"),
        ({"size_kind": "upper_bound", "size_max_mm": 10.0}, 30.0, "differs"),
        ({"size_kind": "lower_bound", "size_min_mm": 30.0}, 90.0, "agrees"),
        ({"size_kind": "lower_bound", "size_min_mm": 30.0}, 12.0, "differs"),
        ({"size_kind": "range", "size_min_mm": 20.0, "size_max_mm": 30.0}, 40.0, "agrees"),
    ],
)
def test_a_bound_is_no_size(bounds: dict[str, Any], measured: float, state: str) -> None:
    assert states(compare([finding(**bounds)], [lesion(size=measured)])) == [("f1", 1, state)]


def test_the_longest_diameter_may_be_craniocaudal() -> None:
    tall = Lesion(label=1, organ="liver", volume_mm3=9e3, diameters_mm=[20.0, 18.0, 50.0], max_probability=1)
    assert states(compare([finding(diameters_mm=[50.0, 20.0, 18.0])], [tall])) == [("f1", 1, "agrees")]


@pytest.mark.parametrize(
    ("said", "seen", "state"),
    [
        (["liver_segment_7"], ["liver_segment_7"], "agrees"),
        (["liver_segment_7"], ["liver_segment_6", "liver_segment_7"], "agrees"),
        (["liver_segment_7"], ["liver"], "agrees"),
        (["liver"], ["liver_segment_3"], "agrees"),
        (["liver_segment_7"], ["liver_segment_3"], "differs"),
        (["liver_segment_7"], [], "agrees"),
    ],
)
def test_place(said: list[str], seen: list[str], state: str) -> None:
    agreement = compare([finding(organ_masks=said, diameters_mm=[20.0])], [lesion(parts=seen)])
    assert states(agreement) == [("f1", 1, state)]


def test_the_other_side_differs_and_is_named() -> None:
    said = finding(organ="kidney", laterality="left", organ_masks=["kidney_left"], diameters_mm=[20.0])
    agreement = compare([said], [lesion(organ="kidney", parts=["kidney_right"])])
    assert states(agreement) == [("f1", 1, "differs")]
    assert "left" in agreement.rows[0].reasons[0]
    assert "kidney right" in agreement.rows[0].reasons[0]


def test_the_assignment_is_joint_not_greedy() -> None:
    """The first finding could take either lesion; only one choice leaves the second finding its own."""
    findings = [
        finding("vague", diameters_mm=[20.0]),
        finding("precise", diameters_mm=[20.0], organ_masks=["liver_segment_2"]),
    ]
    lesions = [lesion(1, parts=["liver_segment_2"]), lesion(2, parts=["liver_segment_8"])]
    assert states(compare(findings, lesions)) == [("vague", 2, "agrees"), ("precise", 1, "agrees")]


def test_a_lesion_of_another_organ_is_no_match() -> None:
    agreement = compare([finding(diameters_mm=[20.0])], [lesion(organ="spleen")])
    assert states(agreement) == [("f1", None, "missing"), (None, 1, "extra")]


def test_missing_and_extra_need_a_source_that_covers_the_organ() -> None:
    agreement = compare([finding(diameters_mm=[20.0])], [lesion(organ="spleen")], NOTHING)
    assert states(agreement) == [("f1", None, "cannot tell"), (None, 1, "cannot tell")]
    assert all(row.reasons for row in agreement.rows)


def test_the_reason_of_the_source_is_handed_on() -> None:
    source = MaskSource(covers=lambda *_: False, reasons={"f1": "There is no mask of the liver."})
    assert compare([finding()], [], source).rows[0].reasons == ["There is no mask of the liver."]


def test_what_the_source_knows_to_belong_together_stays_together() -> None:
    source = MaskSource(covers=lambda *_: False, placed={"a": [2], "b": [1]})
    findings = [finding("a", diameters_mm=[10.0]), finding("b", diameters_mm=[40.0])]
    rows = states(compare(findings, [lesion(1, size=10.0), lesion(2, size=40.0)], source))
    assert rows == [("a", 2, "differs"), ("b", 1, "differs")]


def test_a_group_has_a_row_with_each_of_its_lesions() -> None:
    group = finding(multiplicity="multiple", diameters_mm=[30.0])
    agreement = compare([group], [lesion(1, size=30.0), lesion(2, size=8.0), lesion(3, size=70.0)])
    assert states(agreement) == [("f1", 1, "agrees"), ("f1", 2, "agrees"), ("f1", 3, "differs")]


def test_two_lesions_said_and_three_seen() -> None:
    pair = finding(count=2, count_kind="exact", multiplicity="multiple", diameters_mm=[20.0])
    agreement = compare([pair], [lesion(1), lesion(2), lesion(3)])
    assert sorted(row.state for row in agreement.rows) == ["agrees", "agrees", "extra"]


@pytest.mark.parametrize(
    "changes", [{"presence": "absent"}, {"presence": "unlikely"}, {"temporality": "prior"}, {"temporality": "resected"}]
)
def test_what_is_not_there_now_is_not_missing(changes: dict[str, str]) -> None:
    assert compare([finding(**changes)], []).rows == []


def test_an_extra_lesion_in_an_organ_called_normal_says_so() -> None:
    agreement = compare([], [lesion()], organs=[OrganStatus(organ="liver", status="normal")])
    assert "free of lesions" in agreement.rows[0].reasons[0]


def test_an_unread_report_makes_nothing_extra() -> None:
    assert states(compare([], [lesion()], status="not_read")) == [(None, 1, "cannot tell")]


def grid(spacing: tuple[float, float, float], flipped: bool = False) -> Grid:
    affine = np.diag([*spacing, 1.0])
    if flipped:  # first array axis is craniocaudal, the last one right to left
        affine = affine[[2, 1, 0, 3]] @ np.diag([1, -1, -1, 1])
    return Grid((40, 40, 40), affine)


@pytest.mark.parametrize("flipped", [False, True])
def test_lesions_are_measured_in_millimetres_on_any_orientation(flipped: bool) -> None:
    on = grid((1.0, 0.5, 2.0) if not flipped else (2.0, 0.5, 1.0), flipped)
    labels = np.zeros((40, 40, 40), np.uint16)
    box = (slice(5, 25), slice(10, 30), slice(8, 13))  # 20 x 10 x 10 mm
    labels[box if not flipped else box[::-1]] = 1
    measured = measure_lesions(labels, on, Parts.from_label_map(LabelMap(labels, on, {1: "spleen"})), labels * 0.7)
    assert measured[0].volume_mm3 == pytest.approx(2000)
    # across the corners of the box's pixels, less half a pixel: between 20 and the diagonal 22.4
    assert 20 <= measured[0].diameters_mm[0] <= 22.4
    assert measured[0].diameters_mm[2] == pytest.approx(10)
    assert measured[0].max_probability == pytest.approx(0.7)
    assert (measured[0].organ, measured[0].parts) == ("spleen", ["spleen"])


def test_parts_are_named_by_their_share_and_a_gap_in_the_labels_is_fine() -> None:
    on = grid((1, 1, 1))
    organs = np.zeros((40, 40, 40), np.uint8)
    organs[:20], organs[20:] = 1, 2
    labels = np.zeros((40, 40, 40), np.uint16)
    labels[16:21, 10:15, 10:15] = 2  # a fifth of it in the second part
    parts = Parts.from_label_map(LabelMap(organs, on, {1: "liver_segment_4", 2: "liver_segment_2"}))
    measured = measure_lesions(labels, on, parts, labels / 2)
    assert [(one.label, one.parts) for one in measured] == [(2, ["liver_segment_4", "liver_segment_2"])]


def test_a_tumour_that_the_lung_mask_leaves_out_is_of_the_lung_beside_it() -> None:
    on = grid((1, 1, 1))
    lung = np.zeros((40, 40, 40), np.uint8)
    lung[:15] = 1
    labels = np.zeros((40, 40, 40), np.uint16)
    labels[17:30, 10:20, 10:20] = 1
    parts = Parts.from_label_map(LabelMap(lung, on, {1: "lung_left"}))
    assert measure_lesions(labels, on, parts, labels * 1.0)[0].organ == "lung"
