"""How lesions, findings and states are named for people who read a picture."""

from __future__ import annotations

from typing import NamedTuple

from RSuperLib.agreement.schema import Lesion, State
from RSuperLib.report.schema import Finding


class Look(NamedTuple):
    """Symbol and colour of a state (the symbol alone is enough), and what the state means."""

    symbol: str
    colour: str
    meaning: str


STATE_LOOKS: dict[State, Look] = {
    "agrees": Look("✓", "#4fd1a5", "organ, side, part and size fit the report"),
    "differs": Look("≠", "#f5b83d", "the same lesion, but something differs"),
    "missing": Look("○", "#ff8f70", "in the report, not in the mask"),
    "extra": Look("+", "#8fb8ff", "in the mask, not in the report"),
    "cannot tell": Look("?", "#a9b4c0", "nothing covers that place well enough to say"),
}


def counted(number: int, noun: str) -> str:
    """ "1 lesion", "2 lesions"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def lesion_name(lesion: Lesion) -> str:
    """Organ and the part that holds most of the lesion: "Liver · segment 7"."""
    part = lesion.parts[0] if lesion.parts else ""
    place = part.removeprefix(lesion.organ).strip("_").replace("_", " ")
    organ = lesion.organ.replace("_", " ").capitalize() or "Lesion"
    return f"{organ} · {place}" if place else organ


def lesion_sizes(lesion: Lesion) -> tuple[str, ...]:
    """Measures of a lesion, from "32 × 28 mm axial, 30 mm craniocaudal · 14.2 ml" down to "32 mm"."""
    longest, across, height = (_millimetres(diameter) for diameter in lesion.diameters_mm)
    volume = f"{_millilitres(lesion.volume_mm3)} ml"
    return (
        f"{longest} × {across} mm axial, {height} mm craniocaudal  ·  {volume}",
        f"{longest} × {across} × {height} mm · {volume}",
        f"{longest} × {across} × {height} mm",
        lesion_diameter(lesion),
    )


def lesion_diameter(lesion: Lesion) -> str:
    """Its largest diameter: "32 mm"."""
    return f"{_millimetres(max(lesion.diameters_mm))} mm"


def finding_name(finding: Finding) -> str:
    """What the report says of one finding: "possible · Kidney, left, upper pole · 39 mm"."""
    place = ", ".join(word for word in (finding.laterality or "", *finding.parts) if word)
    organ = finding.organ.replace("_", " ").capitalize()
    size = " × ".join(_millimetres(diameter) for diameter in finding.diameters_mm)
    words = [
        f"{organ}, {place}" if place else organ,
        f"{size} mm" if size else "",
        _number(finding),
        "" if finding.presence == "present" else finding.presence,
        "" if finding.temporality == "current" else finding.temporality,
    ]
    return " · ".join(word for word in words if word)


def _number(finding: Finding) -> str:
    if finding.count is not None and finding.count > 1:
        return f"{'at least ' if finding.count_kind == 'at_least' else ''}{finding.count} lesions"
    return "several" if finding.multiplicity == "multiple" else ""


def _millimetres(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def _millilitres(cubic_millimetres: float) -> str:
    value = cubic_millimetres / 1000
    if value < 0.01:
        return "< 0.01"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2g}"
