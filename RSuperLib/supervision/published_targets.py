"""From report rows to what the published method trains with: crop options, unknown voxels, volumes; defects included.

The rules are those of the released code (Docs/method.md, "Targets as published"). Rows are those of its per-tumour
table: (organ, location, size), such as ("pancreas", "body / head", "26.0 x 25.0").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import pi

from RSuperLib.io.errors import InputError

Row = tuple[str, str | None, str | None]

_PANCREAS = ("pancreas_head", "pancreas_body", "pancreas_tail")
_LIVER = tuple(f"liver_segment_{number}" for number in range(1, 9))
#: Lesion channel to its parts; kidneys are missing because the released code never finds their parts.
_PARTS_OF_UNKNOWN = {"liver": ("liver_lesion", _LIVER), "pancreas": ("pancreatic_lesion", _PANCREAS)}
_SEPARATOR = " / "
_PAIRED = ("kidney", "adrenal_gland", "lung", "breast", "femur")


@dataclass(frozen=True)
class SelectionRow:
    """One row of the table that chooses the cases.

    Attributes:
        case: id.
        organ: standardised organ, "no lesion" for a case without one.
        location: standardised location.
        size: "12.0", "26.0 x 25.0", "multiple", "u" or "U".
        unknown_size: "yes" or "no".
        no_lesion: whether the report has none.
    """

    case: str
    organ: str
    location: str | None
    size: str
    unknown_size: str
    no_lesion: bool


def ellipsoid(size: str) -> tuple[float, tuple[float, float, float]]:
    """Volume in mm3 and three diameters of "d", "a x b" or "a x b x c" millimetres; (a, b) has (a + b) / 2 third.

    Raises:
        InputError: no number, or more than three.
    """
    try:
        numbers = [float(word) for word in size.split("x")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3:
        raise InputError(f"The size {size[:40]!r} is not one to three diameters.", "Correct the size of the lesion.")
    first, second = numbers[0], numbers[1] if len(numbers) > 1 else numbers[0]
    third = numbers[2] if len(numbers) == 3 else (first + second) / 2
    return pi / 6 * first * second * third, (first, second, third)


def crop_options(rows: Sequence[Row]) -> list[list[str]]:
    """The parts that a crop may be taken around, one list for each location that is named.

    An organ with a row of unknown size or place has none. A location brings along those that share a row with it.
    """
    known = [set(_places(row)) for row in rows if not _organ_is_bad(row[0], rows)]
    places = dict.fromkeys(place for row in rows if not _organ_is_bad(row[0], rows) for place in _places(row))
    return [sorted(set().union(*(row for row in known if place in row))) for place in places]


def option_sizes(rows: Sequence[Row], option: Sequence[str]) -> tuple[list[float], list[tuple[float, float, float]]]:
    """Volumes and diameters of the rows that lie in an option with all their locations.

    Raises:
        InputError: a size of more than three numbers, which stops the released code too.
    """
    inside = [row for row in rows if _places(row) and set(_places(row)) <= set(option) and not _is_bad(row)]
    sizes = [ellipsoid(row[2] or "") for row in inside]
    return [volume for volume, _ in sizes], [diameters for _, diameters in sizes]


def option_parts(option: Iterable[str]) -> dict[str, list[str]]:
    """Lesion channel to the parts whose union is its segment mask: {"pancreatic_lesion": ["pancreas_head"]}."""
    masks: dict[str, list[str]] = {}
    for place in option:
        channel, part = _part_of(place)
        masks.setdefault(channel, []).append(part)
    return masks


def unknown_parts(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Lesion channel to the parts whose voxels are unknown.

    The liver is unknown as a whole; of the pancreas the named parts, or all if none is named.

    Raises:
        InputError: only kidney rows: their voxels are never marked, which stops the released code.
    """
    unknown: dict[str, list[str]] = {}
    for organ in dict.fromkeys(row[0] for row in rows):
        if organ in _PARTS_OF_UNKNOWN:
            channel, parts = _PARTS_OF_UNKNOWN[organ]
            named = {_part_of(place)[1] for row in rows if row[0] == organ for place in _places(row)}
            chosen = [part for part in parts if part in named] if organ == "pancreas" else []
            unknown[channel] = chosen or list(parts)
    if not unknown and any(row[0] == "kidney" for row in rows):
        message = "A tumour lies in the crop, but no voxel is marked unknown."
        raise InputError(message, "Kidney reports need mode='rsuper'.")
    return unknown


def structure_names(option: Iterable[str]) -> list[str]:
    """The masks of all parts of an option."""
    return [part for parts in option_parts(option).values() for part in parts]


def select_cases(rows: Sequence[SelectionRow], organs: Sequence[str]) -> list[str]:
    """Ids of the cases that train, in order of appearance; too many cases without lesion are thinned out (seed 42)."""
    zero = {row.case for row in rows if _is_zero(row.size)}
    kept = [row for row in rows if row.case not in zero and (row.no_lesion or row.organ in organs)]
    dropped = {row.case for row in kept if not row.no_lesion and _stops_case(row)}
    kept = [row for row in kept if row.case not in dropped]
    negatives = list(dict.fromkeys(row.case for row in kept if row.no_lesion))
    positives = [{row.case for row in kept if not row.no_lesion and row.organ == organ} for organ in organs]
    chosen = set(_thinned(negatives, max(map(len, positives), default=0)))
    return list(dict.fromkeys(row.case for row in kept if not row.no_lesion or row.case in chosen))


def _thinned(cases: list[str], count: int) -> list[str]:
    if len(cases) <= count:
        return cases
    import numpy as np

    generator = np.random.RandomState(42)  # the kind of generator that the released code draws with
    return [cases[index] for index in generator.choice(len(cases), size=count, replace=False)]


def _stops_case(row: SelectionRow) -> bool:
    sized = any(letter.isdigit() for letter in row.size) and row.unknown_size == "no"
    sideless = row.organ in _PAIRED and row.location not in ("left", "right")
    return not sized or sideless


def _is_zero(size: str) -> bool:
    return size.startswith("0.0 x") or (_is_number(size) and float(size) == 0)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _places(row: Row) -> list[str]:
    return [place for place in (row[1] or "").split(_SEPARATOR) if place and place != "u"]


def _is_bad(row: Row) -> bool:
    return row[2] in (None, "", "u", "U", "multiple") or row[1] in (None, "", "u")


def _organ_is_bad(organ: str, rows: Sequence[Row]) -> bool:
    return any(_is_bad(row) for row in rows if row[0] == organ)


_CHANNELS: Mapping[str, str] = {"left": "kidney_lesion", "right": "kidney_lesion"}


def _part_of(place: str) -> tuple[str, str]:
    """Lesion channel and part of a location.

    Raises:
        InputError: the released code knows no such location.
    """
    if place in _CHANNELS:
        return _CHANNELS[place], f"kidney_{place}"
    if place.startswith("segment ") and f"liver_{place.replace(' ', '_')}" in _LIVER:
        return "liver_lesion", f"liver_{place.replace(' ', '_')}"
    if f"pancreas_{place}" in _PANCREAS:
        return "pancreatic_lesion", f"pancreas_{place}"
    raise InputError(f"The published method knows no part {place[:40]!r}.", "Use mode='rsuper'.")
