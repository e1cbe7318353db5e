"""Sentences for lesions: each says only what is true of the masks, and records what it said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from RSuperLib.phantom.entities import FREQUENCIES, Wording
from RSuperLib.phantom.facts import Facts
from RSuperLib.phantom.lesions import PlacedLesion
from RSuperLib.phantom.places import Place, place_of
from RSuperLib.phantom.wording import (
    COUNT_WORDS,
    Style,
    attenuation_word,
    plural,
    rounded_mm,
    sentence,
    size_text,
    with_article,
)


@dataclass
class Described:
    """A finding as it will stand in the report.

    Attributes:
        values: fields of the finding (`RSuperLib.report.schema.Finding`) but its evidence.
        labels: lesions that it is about.
        sentences: (section, text) that say it, in the order of the report.
        size_text: the size as written, or "".
    """

    values: dict[str, Any]
    labels: tuple[int, ...]
    sentences: list[tuple[str, str]] = field(default_factory=list)
    size_text: str = ""


class LesionWriter:
    """Describes the lesions of one phantom in one style."""

    def __init__(self, facts: Facts, style: Style, random: np.random.Generator) -> None:
        self._facts = facts
        self._style = style
        self._random = random

    def describe(self, organ: str) -> list[Described]:
        """The findings of one organ, largest first; alike ones may be told as a group."""
        lesions = sorted((x for x in self._facts.lesions if x.organ == organ), key=lambda x: -x.diameters_mm[0])
        rest = list(lesions)
        described = []
        while rest:
            alike = [x for x in rest if x.entity is rest[0].entity]
            if len(alike) >= 3 or (len(alike) == 2 and self._chance(0.35)):
                described.append(self._group(alike))
                rest = [x for x in rest if x not in alike]
            else:
                described.append(self._single(rest.pop(0)))
        return described

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _centimetres(self) -> bool:
        return self._chance(self._style.centimetres)

    def _wording(self, lesion: PlacedLesion) -> Wording:
        wordings = lesion.entity.wordings
        return wordings[self._random.integers(len(wordings))]

    def _single(self, lesion: PlacedLesion) -> Described:
        place = place_of(lesion, self._facts, self._random)
        wording = self._wording(lesion)
        values = self._base_values(lesion, place, wording)
        values |= {"count": 1, "count_kind": "exact", "multiplicity": "single"}
        adjective = self._adjective(lesion, wording, values)
        size, before = self._size(lesion, values)
        presence = self._presence(lesion, values)
        noun = f"{presence}{before}{adjective}{wording.noun}"
        tail = wording.after + self._image_number(lesion, values) + self._change(lesion, values, bool(size))
        described = Described(values, (lesion.label,), size_text=size)
        self._write_body(described, size, noun, place, tail)
        self._write_impression(described, size, noun, place, wording.after)
        return described

    def _base_values(self, lesion: PlacedLesion, place: Place, wording: Wording) -> dict[str, Any]:
        return {
            "organ": lesion.organ,
            "parts": list(place.words),
            "organ_masks": list(place.masks),
            "laterality": lesion.side,
            "kind": wording.kind,
            "kind_text": wording.noun,
            "is_metastasis": wording.kind == "metastasis",
        }

    def _adjective(self, lesion: PlacedLesion, wording: Wording, values: dict[str, Any]) -> str:
        if wording.noun.startswith("calcified"):
            values["attenuation"] = "calcified"
            return ""
        if lesion.organ == "lung" and lesion.attenuation != "calcified":
            return ""
        # "Fluid-attenuation cyst" says it twice; few write so.
        if not self._chance(self._style.adjectives * (0.3 if "cyst" in wording.noun else 1)):
            return ""
        values["attenuation"] = lesion.attenuation
        return attenuation_word(lesion.attenuation, self._random) + " "

    def _size(self, lesion: PlacedLesion, values: dict[str, Any]) -> tuple[str, str]:
        """The size as text ("" = none), and words before the noun that bound it ("subcentimeter ")."""
        longest = lesion.diameters_mm[0]
        if self._chance(FREQUENCIES[lesion.organ].sized):
            return self._exact_size(lesion, values), ""
        if longest > 10 and self._chance(0.1):
            low = int(longest // 10)
            values |= {"size_kind": "range", "size_min_mm": low * 10.0, "size_max_mm": low * 10.0 + 10}
            return f"{low}-{low + 1} cm", ""
        if longest < 9.5 and self._chance(0.6):
            values |= {"size_kind": "upper_bound", "size_max_mm": 10.0}
            return "", str(self._random.choice(["subcentimeter ", "sub-centimeter "]))
        if longest < 6:
            values["size_kind"] = "qualitative"
            return "", "tiny "
        if longest > 60:
            values["size_kind"] = "qualitative"
            return "", "large "
        return "", ""

    def _exact_size(self, lesion: PlacedLesion, values: dict[str, Any]) -> str:
        numbers = self._numbers(lesion)
        values |= {"diameters_mm": [float(n) for n in numbers], "size_kind": "exact"}
        return size_text(numbers, self._centimetres(), self._style.times)

    def _numbers(self, lesion: PlacedLesion) -> list[int]:
        axial, across, high = (max(1, rounded_mm(d)) for d in lesion.diameters_mm)
        shown = self._random.choice(3, p=(0.5, 0.38, 0.12))
        return [[axial], [axial, across], [axial, across, high]][shown]

    def _presence(self, lesion: PlacedLesion, values: dict[str, Any]) -> str:
        if lesion.diameters_mm[0] < 25 and self._chance(0.05):
            values["presence"] = "possible"
            return "possible "
        return ""

    def _image_number(self, lesion: PlacedLesion, values: dict[str, Any]) -> str:
        if not self._style.image_numbers or not self._chance(0.7):
            return ""
        image = self._facts.slices - round(lesion.centre[2])
        series = int(self._random.integers(2, 7))
        values |= {"image": image, "series": series}
        return f" (series {series}, image {image})"

    def _change(self, lesion: PlacedLesion, values: dict[str, Any], sized: bool) -> str:
        """What became of the lesion since the prior study; earlier sizes are made up and never current ones."""
        if not self._style.comparison or not self._chance(0.6):
            return ""
        now = max(1, rounded_mm(lesion.diameters_mm[0]))
        kind = str(self._random.choice(["stable", "larger", "smaller", "new"]))
        if kind in ("larger", "smaller") and sized:
            before = max(1, rounded_mm(now * (0.7 if kind == "larger" else 1.35)))
            if before == now:
                kind = "stable"
            else:
                values |= {"prior_mm": [float(before)], "change": kind}
                text = size_text([before], self._centimetres(), "")
                return str(self._random.choice([f", previously {text}", f" (previously {text})", f" (prior {text})"]))
        if kind == "new":
            values["change"] = "new"
            return ", new since the prior study"
        if kind == "stable":
            values["change"] = "stable"
            return str(
                self._random.choice([", unchanged", ", stable from the prior study", " without significant change"])
            )
        return ""

    def _write_body(self, described: Described, size: str, noun: str, place: Place, tail: str) -> None:
        where = place.short if self._style.layout == "sections" and self._chance(0.6) else place.phrase
        if size:
            patterns = [
                f"there is {with_article(f'{size} {noun}')} {where}{tail}",
                f"{noun} {where} measuring {size}{tail}",
                f"{noun} {where} measuring approximately {size}{tail}",
                f"{where} there is {with_article(f'{size} {noun}')}{tail}",
                f"{with_article(f'{noun}')} is seen {where}, measuring {size}{tail}",
                f"{with_article(f'{size} {noun}')} {where}{tail}",
                f"{noun} {where}, {size}{tail}",
            ]
        else:
            patterns = [f"there is {with_article(noun)} {where}{tail}", f"{with_article(noun)} is noted {where}{tail}",
                        f"{noun} {where}{tail}"]  # fmt: skip
        text = sentence(str(self._random.choice(patterns)))
        described.sentences.append(("findings", text))

    def _write_impression(self, described: Described, size: str, noun: str, place: Place, after: str) -> None:
        shown = ""
        if described.values.get("diameters_mm") and self._chance(0.7):
            first = int(described.values["diameters_mm"][0])
            shown = size_text([first], self._centimetres(), "") + " " if self._chance(0.5) else f"{size} "
        described.sentences.append(("impression", sentence(f"{shown}{noun} {place.phrase}{after}")))

    def _group(self, lesions: list[PlacedLesion]) -> Described:
        largest = lesions[0]
        place = place_of(largest, self._facts, self._random)
        wording = self._wording(largest)
        values = self._base_values(largest, place, wording)
        parts = [name for lesion in lesions for name in lesion.parts]
        values["organ_masks"] = list(dict.fromkeys([*place.masks, *parts]))
        sides = {lesion.side for lesion in lesions}
        values["laterality"] = "bilateral" if len(sides) > 1 else largest.side
        many = self._count_words(len(lesions), values)
        same = all(lesion.attenuation == largest.attenuation for lesion in lesions)
        adjective = self._adjective(largest, wording, values) if same else ""
        size = ""
        if self._chance(0.35 + 0.65 * FREQUENCIES[largest.organ].sized):
            size = self._exact_size(largest, values)
        described = Described(values, tuple(lesion.label for lesion in lesions), size_text=size)
        noun = f"{adjective}{plural(wording.noun)}"
        # "likely a metastasis" does not go with a plural
        after = wording.after.replace(" a ", " ").replace(" an ", " ")
        after = after.replace("metastasis", "metastases").replace("hemangioma", "hemangiomas")
        self._write_group(described, f"{many} {noun}", size, place, after, _group_place(largest.organ, sides))
        return described

    def _count_words(self, count: int, values: dict[str, Any]) -> str:
        values["multiplicity"] = "multiple"
        if count <= 10 and self._chance(0.45):
            values |= {"count": count, "count_kind": "exact"}
            return COUNT_WORDS[count]
        if count == 2:
            values |= {"count": 2, "count_kind": "exact"}
            return "two"
        values["count_kind"] = "multiple"
        return str(self._random.choice(["multiple", "several", "numerous"] if count > 4 else ["multiple", "several"]))

    def _write_group(self, described: Described, noun: str, size: str, place: Place, after: str, where: str) -> None:
        if size:
            patterns = [
                f"{noun} {where}, the largest measuring {size} {place.phrase}{after}",
                f"there are {noun} {where}, the largest {place.phrase} measuring {size}{after}",
                f"{noun} {where}{after}; the largest measures {size} and is located {place.phrase}",
            ]
        else:
            patterns = [f"there are {noun} {where}, the largest {place.phrase}{after}", f"{noun} {where}{after}"]
            described.values["parts"] = []
        text = str(self._random.choice(patterns))
        described.sentences.append(("findings", sentence(text)))
        shown = f", the largest measuring {size}" if size and self._chance(0.6) else ""
        described.sentences.append(("impression", sentence(f"{noun} {where}{shown}{after}")))


def _group_place(organ: str, sides: set[str | None]) -> str:
    names = {"kidney": ("both kidneys", "kidney"), "adrenal": ("both adrenal glands", "adrenal gland"),
             "lung": ("both lung bases", "lung base")}  # fmt: skip
    if organ in names:
        both, one = names[organ]
        return f"in {both}" if len(sides) > 1 else f"in the {next(iter(sides))} {one}"
    return f"in the {organ}"
