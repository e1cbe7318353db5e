"""Lesions as files for other programs."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from RSuperLib.io.errors import InputError, RSuperError
from RSuperUI.LabelmapExport import temporaryLabelmap


class SegmentationExporter:
    """Writes a segmentation as NIfTI label map (with the names of its labels in a JSON) and as seg.nrrd.

    Args:
        segmentation: what to write.
        ct: the CT on whose grid the label map lies.
    """

    def __init__(self, segmentation: slicer.vtkMRMLSegmentationNode, ct: slicer.vtkMRMLScalarVolumeNode) -> None:
        self._node = segmentation
        self._ct = ct
        stem = re.sub(r"[^\w.-]+", "_", segmentation.GetName()).strip("._") or "lesions"
        self.fileNames = [f"{stem}.nii.gz", f"{stem}.json", f"{stem}.seg.nrrd"]

    def existing(self, folder: str) -> list[str]:
        """Names of the files that an export into this folder would replace."""
        return [name for name in self.fileNames if (Path(folder) / name).exists()]

    def export(self, folder: str) -> list[str]:
        """Write all files, or none if one fails.

        Returns:
            Their paths.

        Raises:
            InputError: there is no segment, or the folder cannot be written to or is full.
        """
        if self._node.GetSegmentation().GetNumberOfSegments() == 0:
            raise InputError(_("There is no segment to export."), _("Press Apply first."))
        try:
            staging = Path(tempfile.mkdtemp(prefix=".RSuper-", dir=folder))
        except OSError as error:
            raise _cannotWrite(folder, error.strerror) from error
        try:
            self._write(*(staging / name for name in self.fileNames))
            for name in self.fileNames:
                (staging / name).replace(Path(folder) / name)
        except OSError as error:
            raise _cannotWrite(folder, error.strerror) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return [str(Path(folder) / name) for name in self.fileNames]

    def _write(self, niftiPath: Path, namesPath: Path, segNrrdPath: Path) -> None:
        segmentation = self._node.GetSegmentation()
        ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
        # The segmentation's own storage node would write an NRRD under the name .nii.gz.
        with temporaryLabelmap(self._node, ids, self._ct) as labelmap:
            _writeWith(slicer.vtkMRMLVolumeArchetypeStorageNode(), labelmap, niftiPath)
        names = {str(label): segmentation.GetSegment(one).GetName() for label, one in enumerate(ids, 1)}
        namesPath.write_text(json.dumps(names, indent=1, ensure_ascii=False), encoding="utf-8")
        _writeWith(slicer.vtkMRMLSegmentationStorageNode(), self._node, segNrrdPath)


def _writeWith(storage: slicer.vtkMRMLStorageNode, node: slicer.vtkMRMLStorableNode, path: Path) -> None:
    """Write through a storage node of our own: the node's own would take the exported file for its home."""
    storage.SetFileName(str(path))
    if not storage.WriteData(node):
        raise _cannotWrite(str(path.parent.parent), _("the disk may be full"))


def _cannotWrite(folder: str, reason: str) -> RSuperError:
    return InputError(
        _("Nothing could be written to {folder} ({reason}).").format(folder=folder, reason=reason),
        _("Free some space, or choose another folder."),
    )
