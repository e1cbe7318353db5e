"""Segmentations for 3D Slicer: where they lie, what their header says, and that its own storage node reads them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from RSuperLib.agreement.schema import Agreement, Lesion
from RSuperLib.export import Segment, Terminology, lesion_segments, write_seg_nrrd
from RSuperLib.io import Grid, RSuperError, read_label_map

SHAPE = (20, 16, 12)
MASS = Terminology(
    ("SCT", "49755003", "Morphologically Altered Structure"),
    ("SCT", "4147007", "Mass"),
    region=("SCT", "64033007", "Kidney"),
    region_modifier=("SCT", "7771000", "Left"),
)
SEGMENTS = [
    Segment("lesion_1", 1, "Lesion 1, Niere é", (1, 0.5, 0.25), MASS, {"RSuper.Organ": "kidney"}),
    Segment("lesion_7", 7, "Lesion 7", (0, 0, 1)),
]
MASS_ENTRY = (
    "Segmentation category and type - 3D Slicer General Anatomy list~SCT^49755003^Morphologically Altered Structure"
    "~SCT^4147007^Mass~^^~Anatomic codes - DICOM master list~SCT^64033007^Kidney~SCT^7771000^Left"
)


def _affines() -> dict[str, np.ndarray]:
    oblique = np.eye(4)
    oblique[:2, :2] = [[0.8 * 0.7, -0.6 * 0.8], [0.6 * 0.7, 0.8 * 0.8]]
    oblique[2, 2], oblique[:3, 3] = 2.5, [10, -20, 33]
    permuted = np.array([[0, 0, 2.5, 5], [-0.7, 0, 0, 6], [0, 0.8, 0, 7], [0, 0, 0, 1]])
    return {
        "LPS": np.diag([-0.7, -0.8, 2.5, 1]), "RAS": np.diag([0.7, 0.8, 2.5, 1]),
        "mirrored": np.diag([-0.7, 0.8, 2.5, 1]), "oblique": oblique, "permuted": permuted,
    }  # fmt: skip


AFFINES = _affines()


@pytest.fixture
def labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint16)
    labels[2:5, 3:7, 1:4] = 1
    labels[10:15, 8:12, 6:9] = 7
    return labels


def header(path: Path) -> dict[str, str]:
    """The key-value pairs of an NRRD header."""
    lines = path.read_bytes().split(b"\n\n")[0].decode().splitlines()
    return dict(line.split(":=", 1) for line in lines if ":=" in line)


@pytest.mark.parametrize("orientation", AFFINES)
def test_voxels_lie_where_they_did(tmp_path: Path, labels: np.ndarray, orientation: str) -> None:
    grid, path = Grid(SHAPE, AFFINES[orientation]), tmp_path / "out" / "lesions.seg.nrrd"
    write_seg_nrrd(path, labels, grid, SEGMENTS)
    left, back, up = sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((3, 5, 2))
    assert np.allclose(grid.to_world(np.array([3, 5, 2])), [-left, -back, up])
    read = read_label_map(path)
    assert read.grid.same_as(grid) and np.array_equal(read.array, labels)
    assert read.names == {1: "Lesion 1, Niere é", 7: "Lesion 7"}
    assert [file.name for file in path.parent.iterdir()] == ["lesions.seg.nrrd"]


def test_the_header_says_what_slicer_looks_for(tmp_path: Path, labels: np.ndarray) -> None:
    write_seg_nrrd(tmp_path / "x.seg.nrrd", labels, Grid(SHAPE, AFFINES["RAS"]), SEGMENTS)
    said = header(tmp_path / "x.seg.nrrd")
    assert said["Segmentation_MasterRepresentation"] == "Binary labelmap"
    assert said["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert said["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    assert said["Segmentation_ConversionParameters"] == (
        "Reference image geometry|0.7;0.0;0.0;0.0;0.0;0.8;0.0;0.0;0.0;0.0;2.5;0.0;0.0;0.0;0.0;1.0;0;19;0;15;0;11;|&"
    )
    assert said["Segment0_Tags"] == f"RSuper.Organ:kidney|TerminologyEntry:{MASS_ENTRY}|"
    assert said["Segment0_Color"] == "1 0.5 0.25" and said["Segment0_Extent"] == "2 4 3 6 1 3"
    assert (said["Segment1_ID"], said["Segment1_LabelValue"], said["Segment1_Layer"]) == ("lesion_7", "7", "0")
    assert said["Segment1_Tags"] == ""


def test_a_segment_without_voxels_and_an_empty_segmentation(tmp_path: Path, labels: np.ndarray) -> None:
    grid = Grid(SHAPE, AFFINES["LPS"])
    write_seg_nrrd(tmp_path / "a.seg.nrrd", labels, grid, [*SEGMENTS, Segment("gone", 9, "Gone", (1, 1, 1))])
    assert header(tmp_path / "a.seg.nrrd")["Segment2_Extent"] == "0 -1 0 -1 0 -1"
    write_seg_nrrd(tmp_path / "b.seg.nrrd", np.zeros_like(labels), grid, [])
    empty = read_label_map(tmp_path / "b.seg.nrrd")
    assert empty.grid.same_as(grid) and not empty.array.any() and empty.names == {}


def test_many_lesions_and_small_files(tmp_path: Path) -> None:
    labels = np.zeros((64, 64, 64), np.uint16)
    labels[::4, ::4, ::4] = np.arange(16**3).reshape(16, 16, 16) % 300 + 1
    segments = [Segment(f"lesion_{label}", label, f"Lesion {label}", (1, 0, 0)) for label in range(1, 301)]
    write_seg_nrrd(tmp_path / "x.seg.nrrd", labels, Grid(labels.shape, np.eye(4)), segments)
    read = read_label_map(tmp_path / "x.seg.nrrd")
    assert np.array_equal(read.array, labels) and len(read.names) == 300
    assert (tmp_path / "x.seg.nrrd").stat().st_size < labels.nbytes / 4


def test_names_cannot_break_the_header(tmp_path: Path, labels: np.ndarray) -> None:
    odd = [Segment("a", 1, "two\nlines: and | more", (1, 0, 0)), SEGMENTS[1]]
    write_seg_nrrd(tmp_path / "x.seg.nrrd", labels, Grid(SHAPE, np.eye(4)), odd)
    assert read_label_map(tmp_path / "x.seg.nrrd").names[1] == "two lines: and | more"


def test_mistakes_of_the_caller(tmp_path: Path, labels: np.ndarray) -> None:
    grid = Grid(SHAPE, np.eye(4))
    with pytest.raises(ValueError, match=r"without a segment: \[7\]"):
        write_seg_nrrd(tmp_path / "x.seg.nrrd", labels, grid, SEGMENTS[:1])
    with pytest.raises(ValueError, match="on a grid of shape"):
        write_seg_nrrd(tmp_path / "x.seg.nrrd", labels[1:], grid, SEGMENTS)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_said(tmp_path: Path, labels: np.ndarray) -> None:
    (tmp_path / "x.seg.nrrd").mkdir()
    with pytest.raises(RSuperError, match="could not be written"):
        write_seg_nrrd(tmp_path / "x.seg.nrrd", labels, Grid(SHAPE, np.eye(4)), SEGMENTS)
    assert [path.name for path in tmp_path.iterdir()] == ["x.seg.nrrd"]


def lesion(label: int, organ: str, parts: list[str]) -> Lesion:
    return Lesion(label=label, organ=organ, parts=parts, volume_mm3=100, diameters_mm=[6, 6, 6], max_probability=0.9)


@pytest.mark.parametrize(
    ("organ", "parts", "name", "region"),
    [
        ("kidney", ["kidney_left"], "Lesion 3, kidney left", "~SCT^64033007^Kidney~SCT^7771000^Left"),
        ("liver", ["liver_segment_7", "liver_segment_8"], "Lesion 3, liver segment 7", "~SCT^10200004^Liver~^^"),
        ("liver", [], "Lesion 3, liver", "~SCT^10200004^Liver~^^"),
        ("small_bowel", [], "Lesion 3, small bowel", "~SCT^30315005^Small Intestine~^^"),
        ("lymph_node", [], "Lesion 3, lymph node", "~^^~^^"),
    ],
)
def test_lesions_say_where_they_are(organ: str, parts: list[str], name: str, region: str) -> None:
    (segment,) = lesion_segments(Agreement(lesions=[lesion(3, organ, parts)]))
    assert (segment.id, segment.label, segment.name) == ("lesion_3", 3, name)
    assert str(segment.terminology).endswith(region) and "~SCT^4147007^Mass~" in str(segment.terminology)
    assert all(0 <= channel <= 1 for channel in segment.colour)
    assert segment.tags == {"RSuper.Organ": organ, "RSuper.Parts": " ".join(parts)}


#: Runs in a process of its own, since Slicer's libraries do not go well with others. Prints what its nodes have read.
READ_BY_SLICER = """
import json, sys
import numpy as np, slicer, vtk
from vtk.util.numpy_support import vtk_to_numpy

def segments(path):
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(path)
    assert storage.ReadData(node)
    segmentation = node.GetSegmentation()
    return [segment(segmentation, index) for index in range(segmentation.GetNumberOfSegments())]

def segment(segmentation, index):
    segment = segmentation.GetNthSegment(index)
    image = segment.GetRepresentation("Binary labelmap")
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    affine = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    places = np.argwhere(voxels.transpose(2, 1, 0) == segment.GetLabelValue()) + [i0, j0, k0]
    world = places @ affine[:3, :3].T + affine[:3, 3]
    return {
        "id": segmentation.GetNthSegmentID(index), "name": segment.GetName(), "colour": segment.GetColor(),
        "terminology": segment.GetTerminology(), "label": segment.GetLabelValue(), "count": len(world),
        "low": world.min(axis=0).tolist(), "high": world.max(axis=0).tolist(),
    }

print(json.dumps([segments(path) for path in sys.argv[1:]]))
"""


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("slicer", "vtk")),
    reason="slicer-core is not installed (extra: slicer)",
)
def test_slicer_reads_them(tmp_path: Path, labels: np.ndarray) -> None:
    grids = {orientation: Grid(SHAPE, affine) for orientation, affine in AFFINES.items()}
    files = {orientation: str(tmp_path / f"{orientation}.seg.nrrd") for orientation in grids}
    for orientation, grid in grids.items():
        write_seg_nrrd(Path(files[orientation]), labels, grid, SEGMENTS)
    write_seg_nrrd(tmp_path / "empty.seg.nrrd", labels * 0, Grid(SHAPE, np.eye(4)), [])
    command = [sys.executable, "-c", READ_BY_SLICER, *files.values(), str(tmp_path / "empty.seg.nrrd")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *found, empty = json.loads(done.stdout.strip().splitlines()[-1])
    assert empty == []
    for grid, read in zip(grids.values(), found, strict=True):
        assert_read(read, grid, labels)


def assert_read(found: list[dict[str, Any]], grid: Grid, labels: np.ndarray) -> None:
    """Names, colours, codes and voxels are what was written."""
    for segment, read in zip(SEGMENTS, found, strict=True):
        world = grid.to_world(np.argwhere(labels == segment.label))
        assert (read["id"], read["name"], read["label"]) == (segment.id, segment.name, segment.label)
        assert read["colour"] == pytest.approx(segment.colour)
        assert read["count"] == len(world)
        assert np.allclose([read["low"], read["high"]], [world.min(axis=0), world.max(axis=0)], atol=1e-4)
    assert found[0]["terminology"] == MASS_ENTRY
