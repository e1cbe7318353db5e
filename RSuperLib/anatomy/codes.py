"""SNOMED CT codes of what a finding says: its type, its organ, its side, its parts.

Codes of anatomy with a mask stand in `parts.json`; `codes.json` adds kinds of lesions, sides, and places without one.
They are not kept beside the report reader, because that knows no parts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from RSuperLib.anatomy.table import table
from RSuperLib.report.schema import Finding, Malignancy, StatedOrgan

#: A code as DICOM and Slicer's terminologies have it: scheme, value, meaning.
Code = tuple[str, str, str]


@dataclass(frozen=True)
class FindingCodes:
    """A finding in codes.

    Attributes:
        category: what all lesions are, "Morphologically Altered Structure".
        type: Mass, Nodule, Neoplasm, Neoplasm (secondary), Cyst, …; "Mass" until the report says more.
        region: the organ; None for findings whose organ is not stated.
        side: left, right, both, midline; None if not stated.
        parts: codes of the report's words for the place in the organ, those that have one; a place such as
            "upper pole" without a code of its own is coded as a position, "Superior".
        uncoded: the other words.
    """

    category: Code
    type: Code
    region: Code | None
    side: Code | None
    parts: dict[str, Code]
    uncoded: tuple[str, ...]


def codes_of(finding: Finding) -> FindingCodes:
    """All codes of a finding."""
    found = {word: part_code(finding.organ, word) for word in finding.parts}
    return FindingCodes(
        category=category_code(),
        type=type_code(finding),
        region=organ_code(finding.organ),
        side=side_code(finding.laterality),
        parts={word: code for word, code in found.items() if code},
        uncoded=tuple(word for word, code in found.items() if not code),
    )


def category_code() -> Code:
    """What all lesions are: a morphologically altered structure."""
    return _code(_data()["category"])


def mass_code() -> Code:
    """A lesion of which nobody has said what it is."""
    return _code(_data()["kinds"]["indeterminate"])


def type_code(finding: Finding) -> Code:
    """What a lesion is, by the report's own word where that tells more than the kind."""
    for row in _data()["types_of_words"]:
        if finding.kind in row["kinds"] and re.search(row["words"], finding.kind_text, re.IGNORECASE):
            return _code(row["code"])
    return _code(_data()["kinds"][finding.kind])


def organ_code(organ: StatedOrgan) -> Code | None:
    """The organ; None for `other`."""
    if organ in _data()["organs"]:
        return _code(_data()["organs"][organ])
    return next((part.code for part in table().values() if part.organ == organ and part.code), None)


def side_code(side: str | None) -> Code | None:
    """The side; None if it is not stated."""
    return _code(_data()["sides"][side]) if side else None


def malignancy_code(malignancy: Malignancy) -> Code | None:
    """Benign, malignant or indeterminate; None if it is not stated."""
    return None if malignancy == "not_stated" else _code(_data()["malignancy"][malignancy])


def part_code(organ: StatedOrgan, word: str) -> Code | None:
    """A place in an organ by the word that a reading has for it, "segment 7"; None if no code names it."""
    for row in _data()["parts"]:
        found = re.fullmatch(row["words"], word, re.IGNORECASE) if row["organ"] in (organ, "") else None
        if found:
            return table()[found.expand(row["part"])].code if "part" in row else _code(row["code"])
    return None


def _code(row: list[str]) -> Code:
    scheme, value, meaning = row
    return scheme, value, meaning


@cache
def _data() -> dict[str, Any]:
    text = files("RSuperLib.anatomy").joinpath("codes.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data
