"""Words and numbers of reports: sizes, attenuation, articles, plurals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RSuperLib.report.schema import Attenuation

_ATTENUATION_WORDS: dict[Attenuation, tuple[str, ...]] = {
    "hypo": ("hypodense", "hypoattenuating", "low-attenuation", "low-density"),
    "hyper": ("hyperdense", "hyperattenuating", "high-attenuation"),
    "iso": ("isodense", "isoattenuating"),
    "mixed": ("heterogeneous",),
    "fluid": ("fluid-attenuation", "fluid-density"),
    "fat": ("fat-containing",),
    "calcified": ("calcified",),
}
COUNT_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Style:
    """Habits of one made-up radiologist."""

    layout: str
    centimetres: float
    times: str
    adjectives: float
    image_numbers: bool
    comparison: str
    impression: bool
    wrap: int
    capitals: bool


def draw_style(random: np.random.Generator) -> Style:
    """Draw a radiologist's habits."""
    dated = f"{random.integers(1, 13):02d}/{random.integers(1, 29):02d}/{random.integers(2009, 2024)}"
    return Style(
        layout=str(random.choice(["sections", "paragraph", "numbered", "brief"], p=(0.45, 0.25, 0.18, 0.12))),
        centimetres=float(random.choice([0.0, 0.5, 1.0], p=(0.35, 0.3, 0.35))),
        times=str(random.choice([" x ", " x ", "x", " × ", " by "])),
        adjectives=float(random.uniform(0.5, 0.95)),
        image_numbers=bool(random.random() < 0.25),
        comparison=dated if random.random() < 0.45 else "",
        impression=bool(random.random() < 0.75),
        wrap=int(random.choice([0, 0, 72, 80])),
        capitals=bool(random.random() < 0.5),
    )


def rounded_mm(value: float) -> int:
    """Whole millimetres, halves up, as radiologists round."""
    return math.floor(value + 0.5)


def size_text(sizes_mm: Sequence[int], centimetres: bool, times: str) -> str:
    """`23 x 19 mm` or `2.3 x 1.9 cm`."""
    numbers = [f"{size / 10:.1f}" if centimetres else str(size) for size in sizes_mm]
    return f"{times.join(numbers)} {'cm' if centimetres else 'mm'}"


def attenuation_word(attenuation: Attenuation, random: np.random.Generator) -> str:
    """A radiologist's word for an attenuation."""
    return str(random.choice(_ATTENUATION_WORDS[attenuation]))


def plural(noun: str) -> str:
    """Plural of a lesion's noun."""
    for ending, more in (("sis", "ses"), ("focus", "foci"), ("mass", "masses")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + more
    return noun + "s"


def with_article(words: str) -> str:
    """`a 7 mm cyst`, `an 8 mm cyst`, `an isodense lesion`."""
    number = words.replace(".", " ").split()[0].split("x")[0].split("×")[0]
    vowel = words[0] in "aeiou" or (number.isdigit() and (number[0] == "8" or number in ("11", "18")))
    return f"{'an' if vowel else 'a'} {words}"


def sentence(words: str) -> str:
    """With a capital first letter and a full stop."""
    return words[0].upper() + words[1:].rstrip(".") + "."


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(names) < 3:
        return " and ".join(names)
    return ", ".join(names[:-1]) + f", and {names[-1]}"
