"""The Slicer parts of the host: selectors, files, views, packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def slicer(host: Any) -> Any:
    import slicer

    return slicer


@pytest.fixture
def volume(slicer: Any) -> Any:
    """A dark cube with a bright block in its middle, 1 mm voxels, shown in the slice views."""
    voxels = np.zeros((40, 40, 40), np.int16)
    voxels[10:30, 10:30, 10:30] = 100
    node = slicer.util.addVolumeFromArray(voxels)
    node.SetName("CT")
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


@pytest.fixture
def segmentation(slicer: Any, volume: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("lesion_1", "Lesion 1", (0.0, 1.0, 0.0))
    mask = (slicer.util.arrayFromVolume(volume) > 50).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment, volume)
    return node


# Views


def test_a_slice_shows_the_volume_in_grey(host: Any, volume: Any) -> None:
    pixels = host.view_pixels("Red")
    middle, corner = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2], pixels[5, 5]
    assert middle[0] == middle[1] == middle[2] > 200
    assert tuple(corner) == (0, 0, 0)


@pytest.mark.parametrize("view", ["Red", "Green", "Yellow"])
def test_a_segment_is_laid_over_the_slice_in_its_colour(host: Any, segmentation: Any, view: str) -> None:
    display = segmentation.GetDisplayNode()
    display.SetOpacity2DFill(1.0)
    pixels = host.view_pixels(view)
    assert tuple(pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]) == (0, 255, 0)
    display.SetOpacity2DFill(0.5)
    mixed = host.view_pixels(view)[pixels.shape[0] // 2, pixels.shape[1] // 2].astype(int)
    assert mixed[1] > mixed[0] + 80
    assert mixed[0] == pytest.approx(128, abs=4)


def test_a_hidden_segment_is_not_drawn(host: Any, segmentation: Any) -> None:
    segmentation.GetDisplayNode().SetSegmentVisibility("lesion_1", False)
    pixels = host.view_pixels("Red")
    assert np.ptp(pixels.astype(int), axis=2).max() == 0


def test_the_3d_view_shows_the_surface(host: Any, slicer: Any, segmentation: Any) -> None:
    assert segmentation.CreateClosedSurfaceRepresentation()
    slicer.util.resetThreeDViews()
    pixels = host.view_pixels("1").astype(int)
    green = (pixels[..., 1] > 100) & (pixels[..., 0] < 60) & (pixels[..., 2] < 60)
    assert green.mean() > 0.02


def test_jumping_moves_the_slices(slicer: Any, volume: Any) -> None:
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, -12.0, -15.0, 20.0)
    offsets = [slicer.app.layoutManager().sliceWidget(name).sliceLogic().GetSliceOffset() for name in ("Red", "Green")]
    assert offsets == pytest.approx([20.0, -15.0])


def test_layouts_change_the_views(host: Any, slicer: Any) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    host.settle()
    assert manager.sliceWidget("Red").visible
    assert not manager.sliceWidget("Green").visible
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    host.settle()
    assert manager.sliceWidget("Green").visible


# Node selector


def _selector(slicer: Any, **properties: Any) -> Any:
    selector = slicer.qMRMLNodeComboBox()
    for name, value in {"nodeTypes": ["vtkMRMLScalarVolumeNode"], **properties}.items():
        setattr(selector, name, value)
    return selector


def test_a_selector_needs_a_scene(slicer: Any, volume: Any) -> None:
    selector = _selector(slicer)
    assert not selector.enabled
    assert selector.nodeCount() == 0
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.enabled
    assert selector.nodeCount() == 1


def test_a_selector_follows_the_scene(slicer: Any) -> None:
    selector = _selector(slicer, noneEnabled=True)
    selector.setMRMLScene(slicer.mrmlScene)
    seen: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    first = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "first")
    assert selector.currentNode() is None
    selector.setCurrentNode(first)
    assert (selector.currentNodeID, seen) == (first.GetID(), [first])
    slicer.mrmlScene.RemoveNode(first)
    assert selector.currentNode() is None
    assert seen == [first, None]


def test_a_selector_filters_by_class_and_attribute(slicer: Any, volume: Any) -> None:
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    selector = _selector(slicer)
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.nodeCount() == 2
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1
    selector.nodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    selector.addAttribute("vtkMRMLLabelMapVolumeNode", "RSuper", "parts")
    assert selector.nodeCount() == 0
    labels.SetAttribute("RSuper", "parts")
    selector.setMRMLScene(None)
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.nodeCount() == 1


def test_closing_the_scene_empties_selectors(slicer: Any, volume: Any) -> None:
    selector = _selector(slicer)
    selector.setMRMLScene(slicer.mrmlScene)
    slicer.mrmlScene.Clear(0)
    assert (selector.nodeCount(), selector.currentNode()) == (0, None)


def test_the_segment_table_shows_and_renames_segments(slicer: Any, segmentation: Any) -> None:
    table = slicer.qMRMLSegmentsTableView()
    table.setSegmentationNode(segmentation)
    assert table.displayedSegmentIDs() == ["lesion_1"]
    table.setSelectedSegmentIDs(["lesion_1"])
    assert table.selectedSegmentIDs() == ["lesion_1"]
    segmentation.GetSegmentation().GetSegment("lesion_1").SetName("Renamed")
    assert table.tableWidget().item(0, 3).text() == "Renamed"


# Files


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
def test_volumes_are_saved_and_loaded(slicer: Any, volume: Any, tmp_path: Path, suffix: str) -> None:
    path = str(tmp_path / f"ct{suffix}")
    assert slicer.util.saveNode(volume, path, properties={})
    loaded = slicer.util.loadVolume(path, properties={"name": "again", "show": False})
    assert loaded.GetName() == "again"
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))


def test_segmentations_keep_names_and_colours(slicer: Any, segmentation: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "lesions.seg.nrrd")
    assert slicer.util.exportNode(segmentation, path, properties={})
    assert segmentation.GetStorageNode() is None
    loaded = slicer.util.loadSegmentation(path, properties={})
    segment = loaded.GetSegmentation().GetSegment("lesion_1")
    assert (segment.GetName(), segment.GetColor()) == ("Lesion 1", (0.0, 1.0, 0.0))


@pytest.mark.parametrize("name", ["scene.mrb", "scene.mrml"])
def test_scenes_are_saved_and_loaded(slicer: Any, volume: Any, tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    if name.endswith(".mrml"):
        assert slicer.util.saveNode(volume, str(tmp_path / "ct.nrrd"), properties={})
    assert slicer.util.saveScene(path, properties={})
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path, properties={})
    assert slicer.util.arrayFromVolume(slicer.util.getNode("CT")).max() == 100


def test_a_path_object_as_file_name_is_refused(slicer: Any, volume: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="has to be a str"):
        slicer.util.saveNode(volume, tmp_path / "ct.nrrd", properties={})


def test_a_missing_file_is_an_error(slicer: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Failed to load"):
        slicer.util.loadVolume(str(tmp_path / "none.nrrd"), properties={})


# Application


def test_nothing_is_installed_but_everything_is_recorded(slicer: Any) -> None:
    from Testing.Host import pip_requests

    pip_requests.made.clear()
    slicer.packaging.pip_ensure(["no-such-package>=3"], requester="RSuper")
    assert [(r.function, r.requirements, r.requester) for r in pip_requests.made] == [
        ("pip_ensure", ("no-such-package>=3",), "RSuper")
    ]
    assert not slicer.packaging.pip_check("no-such-package>=3")
    assert slicer.packaging.pip_check("numpy>=1")


def test_data_nodes_stand_in_the_subject_hierarchy(slicer: Any, volume: Any, segmentation: Any) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = [hierarchy.GetItemByDataNode(node) for node in (volume, segmentation)]
    assert all(items)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    for item in items:
        hierarchy.SetItemParent(item, study)
    assert hierarchy.GetItemParent(items[1]) == study
    slicer.mrmlScene.RemoveNode(segmentation)
    assert not hierarchy.GetItemDataNode(items[1])


def test_other_processes_run_in_python_slicer(host: Any, slicer: Any) -> None:
    lines: list[str] = []
    codes: list[int] = []
    process = slicer.util.launchConsoleProcess(
        ["PythonSlicer", "-c", "print('from outside')"],
        useStartupEnvironment=False,
        blocking=False,
        logCallback=lines.append,
        completedCallback=codes.append,
    )
    assert host.wait_until(lambda: codes == [0], seconds=30)
    process.stdout.close()
    assert [line.strip() for line in lines] == ["from outside"]


def test_settings_lie_in_the_run_s_own_folder(slicer: Any) -> None:
    import qt

    qt.QSettings().setValue("RSuper/Answer", "yes")
    assert slicer.app.settings().value("RSuper/Answer") == "yes"
    assert qt.QSettings().fileName().startswith(str(Path(slicer.app.temporaryPath).parent))
    assert slicer.util.settingsValue("RSuper/Missing", 3) == 3


def test_errors_are_not_shown_in_testing_mode(slicer: Any) -> None:
    assert slicer.app.testingEnabled()
    with pytest.raises(ValueError, match="invalid"), slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
        int("invalid")


def test_the_watchdog_sees_a_blocked_event_loop(host: Any) -> None:
    import time

    from PySide6.QtCore import QTimer
    from Testing.Host.watchdog import Watchdog

    watchdog = Watchdog()
    watchdog.start()
    host.settle(100)
    assert watchdog.stop() < 100
    watchdog.start()
    QTimer.singleShot(0, lambda: time.sleep(0.15))
    host.settle(50)
    assert watchdog.stop() >= 150
