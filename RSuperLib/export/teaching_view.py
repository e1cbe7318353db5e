"""What a case teaches, as one picture: a row an organ, with an axial and a coronal slice and the words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.patches import Ellipse

from RSuperLib.export.canvas import BRIGHT, CARD, DIM, HALO, TEXT, Canvas, Rect, wrapped
from RSuperLib.export.panels import window_for
from RSuperLib.export.slices import Display, Plane, Point, body_crop, outline, windowed
from RSuperLib.io import Volume, write_whole
from RSuperLib.training.explain import BACKGROUND, LESION, SEARCHED, UNKNOWN, TaughtLesion, TaughtOrgan

#: Level to colour and what it means; background is shown only inside the organ, or all would be tinted.
_MEANING = {
    BACKGROUND: (
        "#3cd6a0",
        "Organ without lesion: the network is taught that nothing is here (as outside of the organ)",
    ),
    UNKNOWN: ("#968cff", "Unknown: the report does not say; these voxels teach nothing"),
    SEARCHED: ("#ffb02e", "Searched: a reported lesion lies somewhere in here; only its volume and size are taught"),
    LESION: ("#ff6448", "Lesion drawn by a person: taught voxel by voxel"),
}
_HINT = "#56bcf5"
_WIDTH, _ROW, _HEAD, _FOOT, _PANEL = 1560.0, 400.0, 84.0, 176.0, 440.0
_MOST_ROWS = 4


def draw_teaching(path: Path, name: str, ct: Volume, organs: Sequence[TaughtOrgan]) -> None:
    """Write the picture as PNG; organs beyond the fourth are named in the last line only.

    Args:
        path: of the PNG.
        name: of the case.
        ct: the CT that the levels lie on.
        organs: of `explain_case`, the most important first.
    """
    shown = organs[:_MOST_ROWS]
    canvas = Canvas(_WIDTH, _HEAD + _ROW * len(shown) + _FOOT)
    canvas.text(24, 36, f"What the case {name} teaches a network", 24, BRIGHT, bold=True)
    canvas.text(24, 62, "One row an organ: axial slice, coronal slice, and what the report gives the losses.", 14, DIM)
    display = Display(ct.grid)
    for number, organ in enumerate(shown):
        _draw_row(canvas, Rect(24, _HEAD + number * _ROW, _WIDTH - 48, _ROW - 14), ct, display, organ)
    _draw_legend(canvas, _HEAD + _ROW * len(shown), [one.organ for one in organs[_MOST_ROWS:]])
    write_whole(path, canvas.save)


def _draw_row(canvas: Canvas, rect: Rect, ct: Volume, display: Display, organ: TaughtOrgan) -> None:
    canvas.box(rect, CARD)
    at = _middle(display, organ)
    for number, plane in enumerate(("axial", "coronal")):
        panel = Rect(rect.x + 10 + number * (_PANEL + 10), rect.y + 10, _PANEL, rect.height - 20)
        _draw_slice(canvas, panel, ct, display, organ, plane, at)  # type: ignore[arg-type]
    left = rect.x + 2 * _PANEL + 44
    _write(canvas, Rect(left, rect.y + 34, rect.right - left - 14, rect.height - 44), organ)


def _middle(display: Display, organ: TaughtOrgan) -> Point:
    """Where most of what is special about the organ is seen; the organ itself where nothing is."""
    levels = organ.levels
    chosen = next((levels == level for level in (LESION, SEARCHED) if (levels == level).any()), organ.inside)
    if chosen is None or not chosen.any():
        return display.centre()
    turned = display.turned(chosen)
    left, posterior, inferior = (int(turned.sum(axis=tuple({0, 1, 2} - {axis})).argmax()) for axis in range(3))
    return Point(left, posterior, inferior)


def _draw_slice(
    canvas: Canvas, rect: Rect, ct: Volume, display: Display, organ: TaughtOrgan, plane: Plane, at: Point
) -> None:
    axes = canvas.panel(rect)
    step, index = display.pixel_mm(plane), at.along(plane)
    image = display.section(ct.array, plane, index)
    rows, columns = image.shape
    extent = (-0.5 * step[0], (columns - 0.5) * step[0], (rows - 0.5) * step[1], -0.5 * step[1])
    axes.imshow(windowed(image, *window_for(organ.organ)), cmap="gray", vmin=0, vmax=255, extent=extent,
                interpolation="bicubic")  # fmt: skip
    levels = display.section(organ.levels, plane, index)
    inside = None if organ.inside is None else display.section(organ.inside, plane, index)
    for level, (colour, _) in _MEANING.items():
        mask = levels == level
        if level == BACKGROUND:
            mask = mask & inside if inside is not None else np.zeros_like(mask)
        _tint(axes, mask, colour, extent, step)
    _draw_sizes(axes, organ, display, plane, at)
    crop = body_crop(image, step)
    width = max(crop.x[1] - crop.x[0], (crop.y[1] - crop.y[0]) * rect.width / rect.height)
    height = width * rect.height / rect.width
    middle = (sum(crop.x) / 2, sum(crop.y) / 2)
    axes.set(xlim=(middle[0] - width / 2, middle[0] + width / 2), ylim=(middle[1] + height / 2, middle[1] - height / 2))
    place = f"{plane.capitalize()} · {display.position(plane, at)}"
    canvas.text(rect.x + 9, rect.bottom - 9, place, 12, BRIGHT, halo=True)
    canvas.text(rect.x + 9, rect.y + rect.height / 2, "R", 13, BRIGHT, halo=True)


def _tint(axes: Any, mask: Any, colour: str, extent: Sequence[float], step: tuple[float, float]) -> None:
    """Colour a mask's voxels and, unless it is nearly the whole picture, its outline."""
    if not mask.any():
        return
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    axes.imshow(np.where(mask[..., None], (red, green, blue, 0.3), 0.0), extent=extent, interpolation="nearest")
    if mask.mean() < 0.9:
        for line in outline(mask, step):
            axes.plot(*line.T, color=colour, linewidth=0.9)


def _draw_sizes(axes: Any, organ: TaughtOrgan, display: Display, plane: Plane, at: Point) -> None:
    """Outlines of the sizes that are looked for, and the slices that an image number leaves."""
    step = display.pixel_mm(plane)
    column, row = at.on(plane)
    for lesion in organ.lesions:
        first, second, third = lesion.diameters_mm
        size = (first, second if plane == "axial" else third)
        axes.add_patch(Ellipse((column * step[0], row * step[1]), *size, fill=False, edgecolor=BRIGHT, linewidth=1.1,
                               linestyle=(0, (3, 2)), path_effects=HALO))  # fmt: skip
        if lesion.slices and plane == "coronal":
            for level in (lesion.slices[0] - 1.5, lesion.slices[1] - 0.5):
                axes.axhline(level * step[1], color=_HINT, linewidth=1.1, linestyle=(0, (6, 3)))


def _write(canvas: Canvas, rect: Rect, organ: TaughtOrgan) -> None:
    """The organ's name, its lesions and what is left out, as many lines as fit."""
    canvas.text(rect.x, rect.y, organ.organ.replace("_", " ").capitalize(), 20, BRIGHT, bold=True)
    lines: list[tuple[str, str]] = []
    for lesion in organ.lesions:
        lines += [(line, BRIGHT) for line in wrapped(f"“{lesion.words}”", rect.width, 14, lines=2)]
        lines += [(line, TEXT) for line in wrapped(_lesion_words(lesion), rect.width, 14, lines=5)] + [("", DIM)]
    if organ.is_open:
        text = "There may be more lesions here than the report counts, so no volume is too large and nothing is taught "
        lines += [(line, TEXT) for line in wrapped(text + "as background.", rect.width, 14, lines=3)]
    for note in organ.notes:
        lines += [(line, DIM) for line in wrapped(note, rect.width, 14, lines=3)]
    most = int((rect.height - 30) / 20)
    if len(lines) > most:
        lines = [*lines[: most - 1], ("… more in the JSON", DIM)]
    for number, (line, colour) in enumerate(lines):
        canvas.text(rect.x, rect.y + 30 + 20 * number, line, 14, colour)


def _lesion_words(lesion: TaughtLesion) -> str:
    size = " x ".join(f"{one:.0f}" for one in lesion.diameters_mm)
    known = f"Looked for as {size} mm" if lesion.stated else f"No exact size: looked for as about {size} mm"
    least, most = (None if one is None else _millilitres(one) for one in lesion.volume_mm3)
    volume = f"{least} to {most} ml cost nothing" if most else f"at least {least} ml, no upper limit"
    hint = f" Centre in slices {lesion.slices[0]} to {lesion.slices[1]} from the top." if lesion.slices else ""
    place = ", ".join(part.replace("_", " ") for part in lesion.parts)
    return f"{known}; volume {volume}. Certainty weighs {lesion.certainty:g}. Somewhere in: {place}.{hint}"


def _millilitres(volume_mm3: float) -> str:
    millilitres = volume_mm3 / 1000
    return f"{millilitres:.0f}" if millilitres >= 10 else f"{millilitres:.2g}"


def _draw_legend(canvas: Canvas, top: float, others: Sequence[str]) -> None:
    for number, (colour, words) in enumerate(_MEANING.values()):
        y = top + 16 + 24 * number
        canvas.box(Rect(24, y - 11, 22, 14), colour, radius=2, alpha=0.8)
        canvas.text(56, y, words, 14, TEXT)
    y = top + 16 + 24 * len(_MEANING)
    canvas.text(24, y, "- - -", 14, BRIGHT, bold=True)
    canvas.text(
        72, y, "Dashed: the size that is looked for, drawn in the middle of the region; its place is not known.", 14
    )
    canvas.text(24, y + 24, "- - -", 14, _HINT, bold=True)
    canvas.text(72, y + 24, "The slices that the report's image number leaves for the lesion's centre.", 14)
    if others:
        canvas.text(700, y + 24, f"Also taught, see the JSON: {', '.join(others)}", 14, DIM)
