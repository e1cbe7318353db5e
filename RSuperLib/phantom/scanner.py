"""What the scanner makes of the patient: blur, noise, whole HU, and the axes of the file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import Grid
from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.fields import Field
from RSuperLib.phantom.patient import Patient


def scan(canvas: Canvas, patient: Patient) -> NDArray[np.int16]:
    """Blur by the point spread, add correlated noise, round and clip to 12 bits of HU.

    Noise grows with the patient's size and with thin slices; neighbouring values on small voxels are alike, because
    the reconstruction filter has passed over them.
    """
    random = patient.random("scanner")
    spacing = np.array(canvas.spacing)
    blur = np.array([1.0, 1.0, 0.0]) * random.uniform(0.5, 0.9)
    # Through the slice the profile is as wide as the slice is thick.
    sigma = blur / spacing + np.array([0, 0, 0.32])
    image = ndimage.gaussian_filter(canvas.hu, sigma, mode="nearest", truncate=3)
    image += _noise(canvas, patient, random)
    return np.clip(np.round(image), -1024, 3071).astype(np.int16)


def _noise(canvas: Canvas, patient: Patient, random: np.random.Generator) -> Field:
    spacing = np.array(canvas.spacing)
    white = random.standard_normal(canvas.shape, dtype=np.float32)
    grain = random.uniform(0.55, 0.85) / spacing
    noise = ndimage.gaussian_filter(white, (grain[0], grain[1], 0.3), mode="wrap", truncate=3)
    # The ramp filter leaves little noise of low frequency.
    noise -= 0.6 * ndimage.gaussian_filter(noise, (2 * grain[0], 2 * grain[1], 0), mode="wrap", truncate=3)
    noise /= noise.std()
    thickness = (2.5 / float(np.clip(spacing[2], 0.8, 5))) ** 0.5
    girth = (patient.scale[0] * patient.scale[1]) ** 1.5 * np.exp((patient.fat - 17) / 60)
    level = float(np.clip(random.uniform(6, 11) * thickness * girth, 4, 32))
    return np.asarray(noise * np.float32(level), np.float32)


def random_orientation(random: np.random.Generator) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Order and flips of the file's axes. Most files are axial; some are stored otherwise."""
    orders = ((0, 1, 2), (0, 2, 1), (1, 2, 0), (2, 1, 0), (1, 0, 2))
    order = orders[random.choice(len(orders), p=(0.75, 0.08, 0.07, 0.05, 0.05))]
    left, back, down = random.random(3) < (0.7, 0.6, 0.25)  # NIfTI from DICOM mostly runs left, back or front, up
    return order, (bool(left), bool(back), bool(down))


def file_grid(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    order: tuple[int, int, int],
    flips: tuple[bool, bool, bool],
    offset: NDArray[np.float64],
) -> Grid:
    """Grid of the array that `to_file_axes` makes of one of `shape` whose first voxel lies at `offset` mm (RAS)."""
    canonical = np.eye(4)
    canonical[:3, :3] = np.diag(spacing)
    canonical[:3, 3] = offset
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for axis, source in enumerate(order):
        turn[source, axis] = -1 if flips[source] else 1
        turn[source, 3] = shape[source] - 1 if flips[source] else 0
    turned = [shape[source] for source in order]
    return Grid((turned[0], turned[1], turned[2]), canonical @ turn)


def to_file_axes(array: NDArray[Any], order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> NDArray[Any]:
    """An array with axes right, front, head in the file's axes."""
    flipped = array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return np.ascontiguousarray(flipped.transpose(order))
