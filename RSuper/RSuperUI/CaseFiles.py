"""One case as files that the background process can read."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from RSuperLib.io.errors import InputError, RSuperError
from RSuperUI.NrrdFile import writeNrrd
from RSuperUI.PartsSource import PartLayer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class CaseFiles:
    """Arrays and text of one case, taken from the scene on the main thread; `write` may then run in any thread.

    Attributes:
        ct: voxels (k, j, i).
        ijkToRas: 4 x 4 of the CT.
        parts: layers of part masks; none if there are no parts.
        report: the report, letter by letter.
    """

    ct: np.ndarray
    ijkToRas: np.ndarray
    parts: list[PartLayer]
    report: str

    def write(self, folder: str) -> dict[str, str]:
        """Write the files into a folder.

        Returns:
            The paths as the `segment` job of the worker wants them: `ct`, `report`, `parts`, and `out` for its results.

        Raises:
            InputError: the disk is full.
            RSuperError: the folder cannot be written to, or the memory is full.
        """
        names = {"ct": "ct.nrrd", "report": "report.txt", "parts": "parts.seg.nrrd", "out": "results"}
        paths = {key: str(Path(folder) / name) for key, name in names.items()}
        try:
            writeNrrd(paths["ct"], self.ct, self.ijkToRas)
            Path(paths["report"]).write_text(self.report, encoding="utf-8", newline="")
            if not self.parts:
                del paths["parts"]
            else:
                self._writeParts(paths["parts"])
        except OSError as error:
            raise _cannotWrite(error) from error
        except MemoryError as error:
            raise RSuperError(
                _("The computer ran out of memory."), _("Close other programs, or crop the CT (Crop Volume module).")
            ) from error
        return paths

    def _writeParts(self, path: str) -> None:
        """A segmentation as Slicer writes it: the parts in one box, layer by layer."""
        import numpy as np

        offsets = [self._offset(layer) for layer in self.parts]
        ends = [offset + layer.array.shape[::-1] for offset, layer in zip(offsets, self.parts, strict=True)]
        first, last = np.min(offsets, axis=0), np.max(ends, axis=0)
        merged = np.zeros((*(last - first)[::-1], len(self.parts)), np.uint16)
        for index, (layer, offset) in enumerate(zip(self.parts, offsets, strict=True)):
            i, j, k = offset - first
            depth, height, width = layer.array.shape
            merged[k : k + depth, j : j + height, i : i + width, index] = layer.array
        ijkToRas = self.ijkToRas.copy()
        ijkToRas[:3, 3] += ijkToRas[:3, :3] @ first
        writeNrrd(path, merged[..., 0] if len(self.parts) == 1 else merged, ijkToRas, self._segmentFields())

    def _offset(self, layer: PartLayer) -> np.ndarray:
        """Index (i, j, k) in the CT of the first voxel of a layer."""
        import numpy as np

        return np.rint(np.linalg.inv(self.ijkToRas) @ layer.ijkToRas[:, 3])[:3].astype(int)

    def _segmentFields(self) -> dict[str, str]:
        """The segments in the header, with the keys of vtkMRMLSegmentationStorageNode."""
        fields = {}
        segments = [
            (index, label, name) for index, layer in enumerate(self.parts) for label, name in layer.names.items()
        ]
        for number, (index, label, name) in enumerate(segments):
            values = {"ID": f"Segment_{number}", "Name": name, "LabelValue": label, "Layer": index}
            fields |= {f"Segment{number}_{key}": str(value) for key, value in values.items()}
        return fields


def _cannotWrite(error: OSError) -> RSuperError:
    if error.errno == errno.ENOSPC:
        return InputError(
            _("The disk with Slicer's temporary folder is full."),
            _("Free some space, or choose another temporary folder in Edit > Application Settings > Modules."),
        )
    return RSuperError(
        _("Slicer's temporary folder cannot be written to ({reason}).").format(reason=error.strerror),
        _("Choose another one in Edit > Application Settings > Modules."),
    )
