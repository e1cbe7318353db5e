"""The left side of view.png: pictures of the lesions, or of the CT where nothing was marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from RSuperLib.agreement.schema import Agreement, Lesion, State
from RSuperLib.export.canvas import BRIGHT, CARD, DIM, EDGE, TEXT, Canvas, Rect, fitted, width_of, wrapped
from RSuperLib.export.colours import lesion_colour
from RSuperLib.export.panels import (
    CHEST_AND_ABDOMEN,
    LUNG,
    SOFT_TISSUE,
    Scene,
    Shot,
    close_up,
    draw_positions,
    draw_shot,
    overview,
    window_for,
)
from RSuperLib.export.slices import Extent, Plane, extents
from RSuperLib.export.words import STATE_LOOKS, lesion_diameter, lesion_name, lesion_sizes

MOST_LESIONS = 6
_GAP, _PADDING, _CAPTION = 14.0, 8.0, 32.0
_MOST_ROWS = 3  # more lesions than that lie in two columns
_OVERVIEW, _STRIP = 272.0, 270.0
_ENTRY, _ENTRIES_WIDTH = 23.0, 270.0
#: Height by the number of lesions shown: what the pictures need, and what they can fill.
_HEIGHTS = {
    0: (600.0, 700.0), 1: (620.0, 720.0), 2: (700.0, 860.0), 3: (820.0, 1050.0), 4: (800.0, 960.0),
    5: (820.0, 1000.0), 6: (1060.0, 1300.0),
}  # fmt: skip


@dataclass(frozen=True)
class _Item:
    """One lesion with its place and how it matches the report."""

    lesion: Lesion
    extent: Extent
    state: State | None


class Gallery:
    """Pictures of the most relevant lesions: those that the report names, then the largest."""

    def __init__(self, scene: Scene, agreement: Agreement) -> None:
        self._scene = scene
        self._all = _by_relevance(agreement, extents(scene.labels, scene.display))
        self._shown = sorted(self._all[:MOST_LESIONS], key=lambda item: item.lesion.label)

    @property
    def heights(self) -> tuple[float, float]:
        """Least and largest height that looks right."""
        return _HEIGHTS[len(self._shown)]

    def draw(self, canvas: Canvas, rect: Rect) -> None:
        """Fill `rect`."""
        count = len(self._shown)
        if not count:
            self._draw_nothing_marked(canvas, rect)
        elif count == 1:
            self._draw_one(canvas, rect, self._shown[0])
        elif count <= _MOST_ROWS:
            cells = _cells(Rect(rect.x, rect.y, rect.width - _OVERVIEW - _GAP, rect.height), 1, count)
            self._draw_pairs(canvas, cells)
            self._draw_column(canvas, Rect(rect.right - _OVERVIEW, rect.y, _OVERVIEW, rect.height))
        else:
            strip = 0.0 if count % 2 else _STRIP + _GAP
            cells = _cells(Rect(rect.x, rect.y, rect.width, rect.height - strip), 2, (count + 1) // 2)
            self._draw_pairs(canvas, cells)
            last = cells[-1] if count % 2 else Rect(rect.x, rect.bottom - _STRIP, rect.width, _STRIP)
            self._draw_strip(canvas, last)

    def _draw_one(self, canvas: Canvas, rect: Rect, item: _Item) -> None:
        inner = _framed(canvas, rect, item)
        large, upper, lower = _one_and_two(inner)
        self._draw_close_up(canvas, large, item, "axial")
        self._draw_close_up(canvas, upper, item, "coronal")
        self._draw_overview(canvas, lower, "coronal")

    def _draw_pairs(self, canvas: Canvas, cells: Sequence[Rect]) -> None:
        """A card with two pictures for every lesion shown."""
        for item, cell in zip(self._shown, cells, strict=False):  # an odd number leaves one cell free
            left, right = _halves(_framed(canvas, cell, item))
            self._draw_close_up(canvas, left, item, "axial")
            self._draw_close_up(canvas, right, item, "coronal")

    def _draw_strip(self, canvas: Canvas, rect: Rect) -> None:
        """Where the lesions lie, side by side; with all of them by name where there is room."""
        inner = _titled(canvas, rect, "Where they lie")
        pictures = inner
        if rect.width > 2 * _ENTRIES_WIDTH:
            pictures = Rect(inner.x, inner.y, inner.width - _ENTRIES_WIDTH - 2 * _PADDING, inner.height)
            entries = Rect(inner.right - _ENTRIES_WIDTH, inner.y, _ENTRIES_WIDTH, inner.height)
            canvas.text(entries.x + 4, rect.y + _PADDING + 17, "All of them", 14, BRIGHT, bold=True)
            self._draw_entries(canvas, entries)
        left, right = _halves(pictures)
        self._draw_overview(canvas, left, "coronal")
        self._draw_overview(canvas, right, "sagittal")

    def _draw_column(self, canvas: Canvas, rect: Rect) -> None:
        """Where the lesions lie in the patient, from the front and from the left, and all of them by name."""
        inner = _titled(canvas, rect, "Where they lie")
        least = _ENTRY * min(len(self._all), 8) + 12
        top, tallest = inner.y, (inner.height - _PADDING - least) / 2
        planes: tuple[Plane, ...] = ("coronal", "sagittal")
        for plane in planes:
            height = min(tallest, inner.width / self._overview(plane).crop.aspect)
            self._draw_overview(canvas, Rect(inner.x, top, inner.width, height), plane)
            top += height + _PADDING
        self._draw_entries(canvas, Rect(inner.x, top, inner.width, inner.bottom - top))

    def _draw_entries(self, canvas: Canvas, rect: Rect) -> None:
        items = sorted(self._all, key=lambda item: item.lesion.label)
        room = int(rect.height / _ENTRY)
        listed = items if len(items) <= room else items[: room - 1]
        for index, item in enumerate(listed):
            y, size = rect.y + _ENTRY * index + 19, lesion_diameter(item.lesion)
            canvas.badge(rect.x + 12, y - 4.5, str(item.lesion.label), lesion_colour(item.lesion.label), radius=8.5)
            canvas.text(rect.right - 4, y, size, 12, DIM, align="right")
            room_for_name = rect.width - 38 - width_of(size, 12)
            canvas.text(rect.x + 28, y, fitted(lesion_name(item.lesion), room_for_name, 12), 12, TEXT)
        if len(listed) < len(items):
            words = f"+ {len(items) - len(listed)} more in agreement.json"
            canvas.text(rect.x + 4, rect.y + _ENTRY * len(listed) + 19, words, 12, DIM)

    def _draw_close_up(self, canvas: Canvas, rect: Rect, item: _Item, plane: Plane) -> None:
        shot = close_up(self._scene, plane, item.extent, rect, window_for(item.lesion.organ))
        parts = [part for part in item.lesion.parts if part in self._scene.parts][:2]
        draw_shot(canvas, rect, self._scene, shot, parts=parts)

    def _draw_overview(self, canvas: Canvas, rect: Rect, plane: Plane) -> None:
        """The slice through the largest lesion shown, with the places of all that are shown."""
        shot = self._overview(plane, rect.width / rect.height)
        draw_shot(canvas, rect, self._scene, shot)
        draw_positions(canvas, rect, self._scene, shot, [item.extent for item in self._shown])

    def _overview(self, plane: Plane, aspect: float | None = None) -> Shot:
        largest = max(self._shown, key=lambda item: item.lesion.volume_mm3)
        window = CHEST_AND_ABDOMEN if window_for(largest.lesion.organ) == LUNG else SOFT_TISSUE
        return overview(self._scene, plane, largest.extent.largest, window, aspect)

    def _draw_nothing_marked(self, canvas: Canvas, rect: Rect) -> None:
        canvas.box(rect, CARD, EDGE, radius=8)
        inner = rect.inset(_PADDING)
        canvas.text(inner.x + 6, inner.y + 24, "Nothing was marked in this CT", 16, BRIGHT, bold=True)
        words = (
            "An empty mask does not show that the CT is free of tumours. "
            "The table says, finding by finding, what could be compared with the report."
        )
        lines = wrapped(words, inner.width - 12, 13, lines=3)
        for index, line in enumerate(lines):
            canvas.text(inner.x + 6, inner.y + 48 + 19 * index, line, 13, TEXT)
        top = 48 + 19 * len(lines)
        large, upper, lower = _one_and_two(Rect(inner.x, inner.y + top, inner.width, inner.height - top))
        middle = self._scene.display.centre()
        planes: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
        for panel, plane in zip((large, upper, lower), planes, strict=True):
            shot = overview(self._scene, plane, middle, SOFT_TISSUE, panel.width / panel.height)
            draw_shot(canvas, panel, self._scene, shot)


def _by_relevance(agreement: Agreement, places: dict[int, Extent]) -> list[_Item]:
    states = {row.lesion: row.state for row in reversed(agreement.rows) if row.lesion is not None}
    reported = {row.lesion for row in agreement.rows if row.finding is not None}
    lesions = [lesion for lesion in agreement.lesions if lesion.label in places]
    lesions.sort(key=lambda lesion: (lesion.label not in reported, -lesion.volume_mm3))
    return [_Item(lesion, places[lesion.label], states.get(lesion.label)) for lesion in lesions]


def _one_and_two(rect: Rect) -> tuple[Rect, Rect, Rect]:
    """A large panel and, on its right, two small ones."""
    wide = (rect.width - _PADDING) * 0.6
    x, width, height = rect.x + wide + _PADDING, rect.width - wide - _PADDING, (rect.height - _PADDING) / 2
    return (
        Rect(rect.x, rect.y, wide, rect.height),
        Rect(x, rect.y, width, height),
        Rect(x, rect.bottom - height, width, height),
    )


def _halves(rect: Rect) -> tuple[Rect, Rect]:
    width = (rect.width - _PADDING) / 2
    return Rect(rect.x, rect.y, width, rect.height), Rect(rect.right - width, rect.y, width, rect.height)


def _cells(rect: Rect, columns: int, rows: int) -> list[Rect]:
    """Equal cells, row by row."""
    width, height = (rect.width + _GAP) / columns - _GAP, (rect.height + _GAP) / rows - _GAP
    return [
        Rect(rect.x + column * (width + _GAP), rect.y + row * (height + _GAP), width, height)
        for row in range(rows)
        for column in range(columns)
    ]


def _titled(canvas: Canvas, rect: Rect, words: str) -> Rect:
    """Draw a card with a heading; returns the room for pictures."""
    canvas.box(rect, CARD, EDGE, radius=8)
    inner = rect.inset(_PADDING)
    canvas.text(inner.x + 4, inner.y + 17, words, 14, BRIGHT, bold=True)
    return Rect(inner.x, inner.y + _CAPTION, inner.width, inner.height - _CAPTION)


def _framed(canvas: Canvas, rect: Rect, item: _Item) -> Rect:
    """Draw a lesion's card with its caption; returns the room for pictures."""
    canvas.box(rect, CARD, EDGE, radius=8)
    inner = rect.inset(_PADDING)
    y, right = inner.y + 17, inner.right
    canvas.badge(inner.x + 12, y - 5, str(item.lesion.label), lesion_colour(item.lesion.label), radius=10)
    if item.state:
        look = STATE_LOOKS[item.state]
        right = canvas.chip(inner.right, y, f"{look.symbol} {item.state}", look.colour) - 12
    x, sizes = inner.x + 30, lesion_sizes(item.lesion)
    name = fitted(lesion_name(item.lesion), right - x - 12 - width_of(sizes[-1], 13), 15, bold=True)
    canvas.text(x, y, name, 15, BRIGHT, bold=True)
    x += width_of(name, 15, bold=True) + 12
    size = next((words for words in sizes if width_of(words, 13) <= right - x), sizes[-1])
    canvas.text(x, y, size, 13, DIM)
    return Rect(inner.x, inner.y + _CAPTION, inner.width, inner.height - _CAPTION)
