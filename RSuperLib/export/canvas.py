"""A dark page to draw on: text that fits, cards, chips, badges and picture panels, in page units of 1/100 inch.

Matplotlib's object-oriented interface only: nothing here touches the state of a program that also plots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.patches import Circle, FancyBboxPatch

Colour = str | tuple[float, float, float]
Align = Literal["left", "center", "right"]

PAGE, CARD, EDGE = "#0d1117", "#151b23", "#262f3a"
BRIGHT, TEXT, DIM, FAINT = "#f2f5f8", "#ccd5de", "#95a1ae", "#6f7b88"
_DOTS_PER_INCH = 150
#: The first comes with matplotlib; the others are used, where installed, for glyphs that it lacks.
_FAMILIES = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Arial Unicode MS",
)  # fmt: skip
NO_GLYPH = "□"
#: A dark rim that keeps lines and letters legible on any grey of a CT.
HALO = (patheffects.Stroke(linewidth=2.1, foreground=(0, 0, 0, 0.75)), patheffects.Normal())


@dataclass(frozen=True)
class Rect:
    """A rectangle of the page: left, top, width, height; the page's origin is its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height

    def inset(self, by: float) -> Rect:
        """The rectangle without a border of `by`."""
        return Rect(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


@cache
def _families() -> tuple[str, ...]:
    installed = {entry.name for entry in fontManager.ttflist}
    return _FAMILIES[:1] + tuple(name for name in _FAMILIES[1:] if name in installed)


@cache
def _font(size: float, bold: bool) -> Any:
    return FontProperties(family=list(_families()), size=size * 0.72, weight="bold" if bold else "normal")


@cache
def _glyphs() -> frozenset[int]:
    """Characters that every weight of the page's fonts can draw."""
    regular, bold = (
        frozenset[int]().union(
            *(get_font(fontManager.findfont(_one(name, weight))).get_charmap() for name in _families())
        )
        for weight in ("normal", "bold")
    )
    return regular & bold


def _one(family: str, weight: str) -> Any:
    return FontProperties(family=family, weight=weight)


@cache
def _measuring() -> Any:
    return FigureCanvasAgg(Figure(dpi=_DOTS_PER_INCH)).get_renderer()


def displayable(text: str) -> str:
    """`text`, one character for one: □ for what no font of the page can draw, a space for control characters."""
    glyphs = _glyphs()
    return "".join(
        character if ord(character) in glyphs or character == "\n" else NO_GLYPH if character.isprintable() else " "
        for character in text
    )


@lru_cache(maxsize=20_000)
def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Width of displayable text, in page units."""
    width, _, _ = _measuring().get_text_width_height_descent(text, _font(size, bold), ismath=False)
    return float(width) * 100 / _DOTS_PER_INCH


def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """`text`, or its beginning with "…", in at most `width` page units."""
    text = displayable(text)
    if width_of(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        if width_of(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle
    return text[:low].rstrip() + "…"


def wrapped(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> list[str]:
    """`text` in at most `lines` lines of at most `width` page units, the last one ending in "…" where it is cut."""
    words = displayable(text).split()
    done: list[str] = []
    while words and len(done) < lines - 1:
        taken = 1
        while taken < len(words) and width_of(" ".join(words[: taken + 1]), size, bold=bold) <= width:
            taken += 1
        done.append(fitted(" ".join(words[:taken]), width, size, bold=bold))
        words = words[taken:]
    return [*done, fitted(" ".join(words), width, size, bold=bold)] if words else done


class Canvas:
    """One page of `width` x `height` page units."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 100, height / 100), dpi=_DOTS_PER_INCH, facecolor=PAGE)
        self._canvas = FigureCanvasAgg(self.figure)
        self._back, self._front = self._layer(0), self._layer(20)

    def _layer(self, order: int) -> Any:
        axes = self.figure.add_axes((0, 0, 1, 1), zorder=order)
        axes.set_xlim(0, self.width)
        axes.set_ylim(self.height, 0)
        axes.set_axis_off()
        return axes

    def text(
        self, x: float, y: float, text: str, size: float, colour: Colour = TEXT, *, bold: bool = False,
        align: Align = "left", halo: bool = False,
    ) -> None:  # fmt: skip
        """One line of text, its baseline at `y`."""
        self._front.text(
            x, y, displayable(text), color=colour, fontproperties=_font(size, bold), ha=align, va="baseline",
            parse_math=False, usetex=False, path_effects=HALO if halo else None,
        )  # fmt: skip

    def box(
        self, rect: Rect, fill: Colour | None = None, edge: Colour | None = None, *, radius: float = 3,
        alpha: float = 1, dashed: bool = False,
    ) -> None:  # fmt: skip
        """A rounded rectangle; `alpha` is that of the filling."""
        patch = FancyBboxPatch(
            (rect.x, rect.y), rect.width, rect.height, boxstyle=f"round,pad=0,rounding_size={radius}", linewidth=0.8,
            facecolor=(fill, alpha) if fill else "none", edgecolor=edge or "none",
            linestyle=(0, (3, 2)) if dashed else "solid",
        )  # fmt: skip
        self._back.add_patch(patch)

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: Colour, *, width: float = 1, dashed: bool = False,
        halo: bool = False,
    ) -> None:  # fmt: skip
        """A thin line through points; `width` in page units."""
        self._front.plot(
            xs, ys, color=colour, linewidth=width * 0.72, linestyle=(0, (3, 2)) if dashed else "solid", zorder=1.5,
            solid_capstyle="butt", path_effects=HALO if halo else None,
        )  # fmt: skip

    def badge(self, x: float, y: float, text: str, colour: Colour, *, radius: float = 8) -> None:
        """A filled circle around (x, y) with a short dark text in it."""
        self._front.add_patch(Circle((x, y), radius, facecolor=colour, edgecolor=PAGE, linewidth=0.8, zorder=2.5))
        size = radius * (1.35 if len(text) < 2 else 1.1 if len(text) < 3 else 0.85)
        self.text(x, y + size * 0.36, text, size, PAGE, bold=True, align="center")

    def chip(self, right: float, y: float, text: str, colour: Colour, *, size: float = 12) -> float:
        """A tinted label that ends at `right`, its text's baseline at `y`; returns where it starts."""
        text = displayable(text)
        width = width_of(text, size, bold=True) + 16
        self.box(Rect(right - width, y - size - 3, width, size + 10), colour, radius=4, alpha=0.18)
        self.text(right - width + 8, y, text, size, colour, bold=True)
        return right - width

    def panel(self, rect: Rect) -> Any:
        """Matplotlib axes, without ticks or frame, that fill `rect` between the page and its texts."""
        bounds = (
            rect.x / self.width,
            1 - rect.bottom / self.height,
            rect.width / self.width,
            rect.height / self.height,
        )
        axes = self.figure.add_axes(bounds, zorder=10, facecolor="black", xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set_visible(False)
        return axes

    def save(self, path: Path) -> None:
        """Write the page as PNG."""
        with path.open("wb") as file:
            options = {"compress_level": 3}  # as small as level 6 for these pages, in half the time
            self._canvas.print_png(file, metadata={"Software": "RSuper"}, pil_kwargs=options)
