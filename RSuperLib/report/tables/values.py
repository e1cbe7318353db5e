"""The values of the published tables: ours mapped down to theirs, and theirs read."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, cast, get_args

from RSuperLib.report.schema import Attenuation, Finding, Laterality, Malignancy, Organ

#: How the tables write "unknown". Their extraction also writes a capital U, which their own test for it misses.
UNKNOWN: Final = "u"
MULTIPLE: Final = "multiple"
_JOIN: Final = " / "

#: Where the table's word is not ours with a space for the underscore.
_PUBLISHED: Final[dict[Organ, str]] = {
    "adrenal": "adrenal gland", "ovary_adnexa": "ovary", "peritoneum_omentum": "peritoneum", "other": UNKNOWN,
}  # fmt: skip
_SYNONYMS: Final[dict[str, Organ]] = {
    "hepatic": "liver", "pancreatic": "pancreas", "renal": "kidney", "kidneys": "kidney", "adrenal glands": "adrenal",
    "splenic": "spleen", "gall bladder": "gallbladder", "urinary bladder": "bladder", "rectum": "colon",
    "large bowel": "colon", "small intestine": "small_bowel", "intestine": "small_bowel", "oesophagus": "esophagus",
    "cervix": "uterus", "endometrium": "uterus", "adnexa": "ovary_adnexa", "ovaries": "ovary_adnexa", "lungs": "lung",
    "omentum": "peritoneum_omentum", "mesentery": "peritoneum_omentum", "lymph nodes": "lymph_node", "femur": "bone",
    "rib": "bone", "vertebra": "bone", "spine": "bone", "skeleton": "bone", "": "other", UNKNOWN: "other",
}  # fmt: skip
_ATTENUATION: Final[dict[Attenuation, str]] = {
    "hypo": "low", "fluid": "low", "fat": "low", "iso": "iso", "hyper": "high", "calcified": "high",
    "mixed": "heterogeneous", "ground_glass": UNKNOWN,
}  # fmt: skip
_ATTENUATION_BACK: Final[dict[str, Attenuation]] = {
    "low": "hypo", "iso": "iso", "high": "hyper", "heterogeneous": "mixed",
}  # fmt: skip
#: Organs whose place in the table is a side.
_SIDED: Final = frozenset({"kidney", "adrenal", "ovary_adnexa"})
_TRUE: Final = ("true", "yes", "1", "1.0")
_FALSE: Final = ("false", "no", "0", "0.0")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def published_organ(organ: Organ, *, underscores: bool = False) -> str:
    """The table's word for an organ; `adrenal gland`, or `adrenal_gland` as the training code compares it."""
    name = _PUBLISHED.get(organ, organ.replace("_", " "))
    return name.replace(" ", "_") if underscores else name


def organ_of(text: str) -> Organ | None:
    """The organ of a table's word, with spaces or underscores; None if it is not known."""
    name = " ".join(text.replace("_", " ").lower().split())
    return _ORGANS_BACK.get(name, _SYNONYMS.get(name))


_ORGANS_BACK: Final[dict[str, Organ]] = {
    **{organ.replace("_", " "): cast(Organ, organ) for organ in get_args(Organ)},
    **{name: organ for organ, name in _PUBLISHED.items()},
}


def places_of(finding: Finding) -> list[str]:
    """Where a lesion is, in the words of the table's location column; [] = not known, or an organ without places."""
    if finding.organ in _SIDED:
        side = finding.laterality
        return ["left", "right"] if side == "bilateral" else [side] if side in ("left", "right") else []
    if finding.organ == "liver":
        return [mask.removeprefix("liver_").replace("_", " ") for mask in finding.organ_masks if "_segment_" in mask]
    if finding.organ == "pancreas":
        names = (mask.removeprefix("pancreas_") for mask in finding.organ_masks)
        return sorted(name for name in names if name in ("head", "body", "tail"))
    return []


def location_text(finding: Finding) -> str:
    """`segment 4 / segment 5`, `body / head`, `left`, `u`; empty for organs without places."""
    has_places = finding.organ in _SIDED or finding.organ in ("liver", "pancreas")
    return _JOIN.join(places_of(finding)) or (UNKNOWN if has_places else "")


def parts_of_location(organ: Organ, text: str) -> tuple[list[str], Laterality | None]:
    """The parts and the side that a location column names."""
    names = [name.strip().lower() for name in text.split("/")]
    sides: set[Laterality] = {"left", "right"}
    named: list[Laterality] = [side for side in ("left", "right") if side in names]
    if organ == "liver":
        segments = [re.fullmatch(r"(?:segment )?([1-8])", name) for name in names]
        return [f"segment {found[1]}" for found in segments if found], None
    if organ == "pancreas":
        return [name for name in names if name in ("head", "body", "tail")], None
    return [], "bilateral" if set(named) == sides else named[0] if named else None


def number_text(value: float) -> str:
    """A number as tables have it: 23.0, never 2.3e+01, and no digit is lost."""
    return format(Decimal(repr(float(value))), "f")


def size_text(finding: Finding) -> str:
    """`23.0 x 19.0`; `u` where the size is a bound or a range, which the table cannot say (our columns do).

    Of a group that measures "up to 2 cm", 20 mm is the size of its largest member.
    """
    of_largest = finding.size_kind == "upper_bound" and is_group(finding)
    if not finding.diameters_mm or not (finding.size_kind == "exact" or of_largest):
        return UNKNOWN
    return " x ".join(number_text(diameter) for diameter in finding.diameters_mm)


def is_group(finding: Finding) -> bool:
    """Whether a finding is of several lesions."""
    return finding.multiplicity == "multiple" or (finding.count or 1) > 1


def diameters_of(text: str) -> list[float] | None:
    """The diameters of a size column, in mm; [] if it states none, None if it is no size."""
    plain = text.strip().lower()
    if plain in ("", UNKNOWN, MULTIPLE, "unknown", "na", "n/a", "nan", "none", "tiny", "massive"):
        return []
    pieces = [piece.strip() for piece in plain.split("x")]
    return [float(piece) for piece in pieces] if all(map(_NUMBER.fullmatch, pieces)) else None


def attenuation_text(attenuation: Attenuation | None) -> str:
    """low, iso, high, heterogeneous or u."""
    return _ATTENUATION[attenuation] if attenuation else UNKNOWN


def attenuation_of(text: str) -> Attenuation | None:
    """What a table's attenuation says."""
    return _ATTENUATION_BACK.get(text.strip().lower())


def malignancy_text(finding: Finding) -> str:
    """yes, no or u."""
    if finding.is_metastasis:
        return "yes"
    return {"malignant": "yes", "benign": "no"}.get(finding.malignancy, UNKNOWN)


def malignancy_of(text: str) -> Malignancy:
    """What a table's malignancy says."""
    known: dict[str, Malignancy] = {"yes": "malignant", "no": "benign"}
    return known.get(text.strip().lower(), "not_stated")


def metastasis_text(finding: Finding) -> str:
    """yes, no or u."""
    known = finding.malignancy in ("benign", "malignant")
    return "yes" if finding.is_metastasis else "no" if known else UNKNOWN


def truth_of(text: str) -> bool | None:
    """A truth value as tables have it; None if it is none."""
    return True if text.lower() in _TRUE else False if text.lower() in _FALSE else None
