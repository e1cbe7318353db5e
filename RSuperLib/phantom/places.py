"""Where a lesion lies, in the words of reports and as parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RSuperLib.phantom.facts import Facts
from RSuperLib.phantom.lesions import PlacedLesion
from RSuperLib.phantom.parts import ORGAN_PARTS

_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")


@dataclass(frozen=True)
class Place:
    """A place as a phrase.

    Attributes:
        phrase: reads after a noun: "in segment 7 of the liver".
        short: the same where the organ is clear from the heading: "in segment 7".
        words: the report's words for the place in the organ, without the organ's own name and side.
        masks: parts that the words mean.
    """

    phrase: str
    short: str
    words: tuple[str, ...]
    masks: tuple[str, ...]


def place_of(lesion: PlacedLesion, facts: Facts, random: np.random.Generator) -> Place:
    """Words for where a lesion lies; they are true of its mask."""
    if lesion.organ == "liver":
        return _liver_place(lesion, random)
    if lesion.organ == "pancreas":
        return _pancreas_place(lesion, random)
    if lesion.organ == "kidney":
        return _kidney_place(lesion, facts, random)
    return _other_place(lesion)


def _liver_place(lesion: PlacedLesion, random: np.random.Generator) -> Place:
    numbers = [int(name[-1]) for name in lesion.parts]
    masks = lesion.parts
    sides = {_lobe(number) for number in numbers}
    if random.random() < 0.25 and len(sides) == 1 and 1 not in numbers:
        lobe = sides.pop()
        inside = tuple(f"liver_segment_{n}" for n in range(2, 9) if _lobe(n) == lobe)
        return Place(f"in the {lobe} hepatic lobe", f"in the {lobe} lobe", (f"{lobe} lobe",), inside)
    style = random.integers(3)
    names = [_ROMAN[n] if style == 1 else str(n) for n in sorted(numbers)]
    if len(names) == 1:
        text = f"segment {names[0]}"
    elif style == 2:
        text = "segment " + "/".join(names)
    else:
        text = "segments " + " and ".join([", ".join(names[:-1]), names[-1]])
    words = tuple(f"segment {name}" for name in names)
    phrase = random.choice([f"in {text} of the liver", f"in hepatic {text}", f"in liver {text}"])
    return Place(str(phrase), f"in {text}", words, masks)


def _lobe(segment: int) -> str:
    return "right" if segment >= 5 else "left"


def _pancreas_place(lesion: PlacedLesion, random: np.random.Generator) -> Place:
    names = [name.removeprefix("pancreas_") for name in lesion.parts[:2]]
    text = " and ".join(names)
    masks = lesion.parts[:2]
    phrase = random.choice([f"in the {text} of the pancreas", f"in the pancreatic {text}"])
    return Place(str(phrase), f"in the {text}", tuple(names), masks)


def _kidney_place(lesion: PlacedLesion, facts: Facts, random: np.random.Generator) -> Place:
    side, masks = lesion.side, lesion.parts[:1]
    low, high = facts.kidney_levels[str(side)]
    level = (lesion.centre[2] - low) / max(high - low, 1)
    pole = _pole(level)
    if pole is None or random.random() < 0.25:
        return Place(f"in the {side} kidney", f"in the {side} kidney", (), masks)
    if pole == "interpolar region":
        phrase = f"in the interpolar region of the {side} kidney"
        return Place(phrase, phrase, (pole,), masks)
    phrase = random.choice([f"in the {pole} of the {side} kidney", f"in the {side} kidney {pole}"])
    return Place(str(phrase), str(phrase), (pole,), masks)


def _pole(level: float) -> str | None:
    """Third of the kidney that a level (0 bottom, 1 top) lies in, unless it is near a border between thirds."""
    if level < 0.29:
        return "lower pole"
    if level > 0.71:
        return "upper pole"
    return "interpolar region" if 0.39 < level < 0.61 else None


def _other_place(lesion: PlacedLesion) -> Place:
    masks = lesion.parts[:1]
    if lesion.organ == "lung":
        phrase = f"in the {lesion.side} lung base"
        return Place(phrase, phrase, ("base",), masks)
    if lesion.organ == "adrenal":
        phrase = f"in the {lesion.side} adrenal gland"
        return Place(phrase, phrase, (), masks)
    if lesion.organ == "colon":
        word = _colon_section(lesion.centre_template)
        return Place(f"in the {word}", f"in the {word}", (word,), masks)
    if lesion.organ == "stomach":
        word = _stomach_section(lesion.centre_template)
        return Place(f"in the gastric {word}", f"in the {word} of the stomach", (word,), masks)
    return Place(f"in the {lesion.organ}", f"in the {lesion.organ}", (), ORGAN_PARTS[lesion.organ])


def _colon_section(at: tuple[float, float, float]) -> str:
    x, y, z = at
    if abs(x) < 62 and y > 30:
        return "transverse colon"
    if x > 0:
        return "ascending colon" if z < -48 else "hepatic flexure"
    return "descending colon" if z < 0 and y < 20 else "splenic flexure"


def _stomach_section(at: tuple[float, float, float]) -> str:
    x, _, z = at
    if z > 50:
        return "fundus"
    return "antrum" if x > -16 else "body"
