"""The pictures of view.png: one slice in one panel, with contours, scale bar, sides and position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.export.canvas import BRIGHT, HALO, Canvas, Rect
from RSuperLib.export.colours import lesion_colour
from RSuperLib.export.slices import Crop, Display, Extent, Plane, Point, body_crop, outline, windowed
from RSuperLib.io import Volume

Window = tuple[float, float]
#: Level and width in Hounsfield units.
LUNG, SOFT_TISSUE, LIVER, CHEST_AND_ABDOMEN = (-600.0, 1500.0), (40.0, 400.0), (60.0, 200.0), (-300.0, 1500.0)
_WINDOWS: dict[str, Window] = {"lung": LUNG, "pleura": LUNG, "liver": LIVER}
#: Letters at the left and the upper edge.
_EDGES: dict[Plane, tuple[str, str]] = {"axial": ("R", "A"), "coronal": ("R", "S"), "sagittal": ("A", "S")}
_LEAST_MM = 70.0  # least width of a close-up
_SCALES_MM = (200, 100, 50, 20, 10, 5, 2, 1)
_PART_STYLE = {"color": (1, 1, 1, 0.5), "linewidth": 0.6, "linestyle": (0, (4, 3))}


def window_for(organ: str) -> Window:
    """CT window (level, width) in which lesions of an organ are looked at."""
    return _WINDOWS.get(organ, SOFT_TISSUE)


@dataclass(frozen=True)
class Scene:
    """What every panel of one page is cut from."""

    ct: Volume
    labels: NDArray[np.uint16]
    parts: Mapping[str, NDArray[Any]]
    display: Display


@dataclass(frozen=True)
class Shot:
    """One slice to show: through `at`, cropped, in a CT window; an overview has no contours."""

    plane: Plane
    at: Point
    crop: Crop
    window: Window
    is_overview: bool = False


def close_up(scene: Scene, plane: Plane, extent: Extent, rect: Rect, window: Window) -> Shot:
    """Slice through the largest cross-section of a lesion, with as much around it as the lesion is large."""
    step = scene.display.pixel_mm(plane)
    middle, largest = extent.middle(), extent.largest
    at = {
        "axial": Point(middle.left, middle.posterior, largest.inferior),
        "coronal": Point(middle.left, largest.posterior, middle.inferior),
        "sagittal": Point(largest.left, middle.posterior, middle.inferior),
    }[plane]
    sides = Point(*(float(side.stop - side.start) for side in extent.box)).on(plane)
    aspect = rect.width / rect.height
    height = max(_LEAST_MM / max(aspect, 1.0), 2.3 * sides[1] * step[1], 2.3 * sides[0] * step[0] / aspect)
    column, row = at.on(plane)
    return Shot(plane, at, Crop.around((column * step[0], row * step[1]), (height * aspect, height)), window)


def overview(scene: Scene, plane: Plane, at: Point, window: Window, aspect: float | None = None) -> Shot:
    """The whole body in the slice through `at`, in a crop of `aspect` (width over height; None = the body's own)."""
    body = body_crop(scene.display.section(scene.ct.array, plane, at.along(plane)), scene.display.pixel_mm(plane))
    width, height = body.x[1] - body.x[0], body.y[1] - body.y[0]
    aspect = aspect or body.aspect
    size = (max(width, height * aspect), max(height, width / aspect))
    return Shot(plane, at, Crop.around((sum(body.x) / 2, sum(body.y) / 2), size), window, is_overview=True)


def draw_shot(canvas: Canvas, rect: Rect, scene: Scene, shot: Shot, *, parts: Sequence[str] = ()) -> None:
    """Draw one slice with the contours of the lesions in it and, faintly, the outlines of `parts`."""
    axes = canvas.panel(rect)
    rows, columns = _show_slice(axes, scene, shot)
    for part in parts:
        mask = _cut(scene, scene.parts[part], shot, rows, columns) != 0
        _trace(axes, scene, shot, mask, (rows, columns), _PART_STYLE)
    labels = _cut(scene, scene.labels, shot, rows, columns)
    for label in np.unique(labels[labels > 0]).tolist() if not shot.is_overview else ():
        style = {"color": lesion_colour(label), "linewidth": 1.2, "path_effects": HALO}
        _trace(axes, scene, shot, labels == label, (rows, columns), style)
    axes.set_xlim(*shot.crop.x)
    axes.set_ylim(shot.crop.y[1], shot.crop.y[0])
    _annotate(canvas, rect, scene, shot)


def _show_slice(axes: Any, scene: Scene, shot: Shot) -> tuple[slice, slice]:
    step = scene.display.pixel_mm(shot.plane)
    image = scene.display.section(scene.ct.array, shot.plane, shot.at.along(shot.plane))
    rows, columns = shot.crop.pixels((image.shape[0], image.shape[1]), step)
    extent = (
        (columns.start - 0.5) * step[0], (columns.stop - 0.5) * step[0],
        (rows.stop - 0.5) * step[1], (rows.start - 0.5) * step[1],
    )  # fmt: skip
    coarse = (shot.crop.x[1] - shot.crop.x[0]) / step[0] < axes.bbox.width
    axes.imshow(
        windowed(image[rows, columns], *shot.window), cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto",
        origin="upper", interpolation="bicubic" if coarse else "hanning",
    )  # fmt: skip
    return rows, columns


def _cut(scene: Scene, array: NDArray[Any], shot: Shot, rows: slice, columns: slice) -> NDArray[Any]:
    cut: NDArray[Any] = scene.display.section(array, shot.plane, shot.at.along(shot.plane))[rows, columns]
    return cut


def _trace(
    axes: Any, scene: Scene, shot: Shot, mask: NDArray[np.bool_], place: tuple[slice, slice], style: dict[str, Any]
) -> None:
    step = scene.display.pixel_mm(shot.plane)
    corner = np.array([place[1].start * step[0], place[0].start * step[1]])
    for line in outline(mask, step):
        axes.plot(*(line + corner).T, solid_joinstyle="round", **style)


def _annotate(canvas: Canvas, rect: Rect, scene: Scene, shot: Shot) -> None:
    left, top = _EDGES[shot.plane]
    height = 17 if shot.is_overview else rect.height / 2 + 4  # an overview has its badges at the sides
    canvas.text(rect.x + 9, rect.y + height, left, 12, BRIGHT, halo=True)
    canvas.text(rect.x + rect.width / 2, rect.y + 17, top, 12, BRIGHT, align="center", halo=True)
    place = f"{shot.plane.capitalize()} · {scene.display.position(shot.plane, shot.at)}"
    canvas.text(rect.x + 9, rect.bottom - 9, place, 11, BRIGHT, halo=True)
    window = f"W {shot.window[1]:.0f}  L {shot.window[0]:.0f}".replace("-", "\N{MINUS SIGN}")
    canvas.text(rect.right - 9, rect.y + 17, window, 11, BRIGHT, align="right", halo=True)
    _scale_bar(canvas, rect, shot)


def _scale_bar(canvas: Canvas, rect: Rect, shot: Shot) -> None:
    units_per_mm = rect.width / (shot.crop.x[1] - shot.crop.x[0])
    length = next((mm for mm in _SCALES_MM if mm * units_per_mm <= rect.width * 0.3), _SCALES_MM[-1])
    right, left, y = rect.right - 10, rect.right - 10 - length * units_per_mm, rect.bottom - 10
    canvas.line((left, left, right, right), (y - 4, y, y, y - 4), BRIGHT, width=1.4, halo=True)
    canvas.text((left + right) / 2, y - 7, f"{length} mm", 11, BRIGHT, align="center", halo=True)


def draw_positions(canvas: Canvas, rect: Rect, scene: Scene, shot: Shot, lesions: Sequence[Extent]) -> None:
    """Numbered badges, at the nearer edge of the panel, that point at where the lesions project to."""
    dots = [(extent.label, *_on_page(scene, shot, rect, extent.middle())) for extent in lesions]
    middle = rect.x + rect.width / 2
    for side in (False, True):
        group = sorted((dot for dot in dots if (dot[1] > middle) is side), key=lambda dot: dot[2])
        edge = rect.right - 16 if side else rect.x + 16
        heights = _spread([y for _, _, y in group], rect.y + 34, rect.bottom - 38, 19)
        for (label, x, y), height in zip(group, heights, strict=True):
            canvas.line((x, edge), (y, height), lesion_colour(label), width=1.2, halo=True)
            canvas.badge(x, y, "", lesion_colour(label), radius=3.5)
            canvas.badge(edge, height, str(label), lesion_colour(label), radius=8.5)


def _on_page(scene: Scene, shot: Shot, rect: Rect, point: Point) -> tuple[float, float]:
    step = scene.display.pixel_mm(shot.plane)
    column, row = point.on(shot.plane)
    (x0, x1), (y0, y1) = shot.crop.x, shot.crop.y
    x = rect.x + (column * step[0] - x0) / (x1 - x0) * rect.width
    y = rect.y + (row * step[1] - y0) / (y1 - y0) * rect.height
    return x, y


def _spread(values: Sequence[float], low: float, high: float, distance: float) -> list[float]:
    """Sorted values moved apart to at least `distance`, inside low..high where they fit."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, low, placed[-1] + distance if placed else low))
    limit = high
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - distance
    return placed
