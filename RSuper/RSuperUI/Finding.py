"""One finding of a report, as far as the panel shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from RSuperUI.Why import Why, whysOf

#: First and last + 1 character of the report, counted in code points.
Span = tuple[int, int]


@dataclass(frozen=True)
class Finding:
    """Typed view of one finding of a `reading.json`; sizes are millimetres, see RSuperLib.report.schema."""

    id: str
    organ: str
    partWords: tuple[str, ...]
    organMasks: tuple[str, ...]
    laterality: str | None
    count: int | None
    countKind: str
    diameters: tuple[float, ...]
    sizeKind: str
    sizeRange: tuple[float | None, float | None]
    presence: str
    temporality: str
    evidence: tuple[Span, ...]
    #: Where its own values stand, which tells findings of one sentence apart; headings, which many share, left out.
    valueSpans: tuple[Span, ...]
    quote: str
    whys: tuple[Why, ...]

    @classmethod
    def fromJson(cls, content: dict[str, Any]) -> Finding:
        """Look at one of the findings of a `reading.json`."""
        evidence = spansOf(content["evidence"])
        words = content.get("field_evidence", {})
        values = spansOf(one for field in ("diameters_mm", "kind", "parts") for one in words.get(field, []))
        return cls(
            id=content["lesion_id"],
            organ=content["organ"],
            partWords=tuple(content.get("parts", [])),
            organMasks=tuple(content.get("organ_masks", [])),
            laterality=content.get("laterality"),
            count=content.get("count"),
            countKind=content.get("count_kind", "not_stated"),
            diameters=tuple(content.get("diameters_mm", [])),
            sizeKind=content.get("size_kind", "not_stated"),
            sizeRange=(content.get("size_min_mm"), content.get("size_max_mm")),
            presence=content.get("presence", "present"),
            temporality=content.get("temporality", "current"),
            evidence=evidence,
            valueSpans=tuple(value for value in values if _isInside(value, evidence)),
            quote=" … ".join(one["text"] for one in content["evidence"]),
            whys=whysOf(content),
        )

    @property
    def isLesion(self) -> bool:
        """Whether the report says that this lesion is, or may be, there now."""
        return self.presence in ("present", "probable", "possible") and self.temporality == "current"

    @property
    def isHedged(self) -> bool:
        """Whether the report is not sure of it."""
        return self.presence in ("probable", "possible")


def spansOf(evidence: Iterable[dict[str, Any]]) -> tuple[Span, ...]:
    """The spans of pieces of evidence, each once, in order of the text."""
    return tuple(sorted({(one["start"], one["end"]) for one in evidence}))


def _isInside(span: Span, sentences: tuple[Span, ...]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in sentences)
