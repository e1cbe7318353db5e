"""The evidence gate: of what a language model says, only what the report's own words bear out becomes a finding."""

from __future__ import annotations

from typing import NamedTuple

from RSuperLib.report.assistant.answer import Answer, ListedLesion
from RSuperLib.report.assistant.record import Unsupported
from RSuperLib.report.assistant.text import Passage, ReportText, Span
from RSuperLib.report.measurements import Measurement
from RSuperLib.report.place import UNSIDED, masks_of
from RSuperLib.report.schema import Evidence, Finding, Laterality, Organ

#: Letters. "cm" or "mass" stand in many places, so that as evidence they point nowhere.
_SHORTEST_EVIDENCE = 8


class Gated(NamedTuple):
    """What passed the gate, and what did not."""

    findings: list[Finding]
    unsupported: list[Unsupported]


def pass_gate(answer: Answer, report: ReportText) -> Gated:
    """Check every value of an answer against the report.

    Evidence, place and size must be there word for word; the size in or right after the evidence's sentence, and read
    by the measurement parser; organ, side and part need a word of their own in the sentence or its heading. A lesion
    without evidence is dropped whole, any other value alone; each is listed.
    """
    gates = [_Gate(lesion, number, report) for number, lesion in enumerate(answer.lesions, start=1)]
    findings = [finding for gate in gates if (finding := gate.finding()) is not None]
    return Gated(findings, [row for gate in gates for row in gate.unsupported])


class _Gate:
    """The gate for one lesion of an answer."""

    def __init__(self, lesion: ListedLesion, number: int, report: ReportText) -> None:
        self._lesion, self._report = lesion, report
        self._name = f"model {number}"
        self.unsupported: list[Unsupported] = []

    def finding(self) -> Finding | None:
        place = self._evidence()
        if place is None:
            return None
        span, passage = place
        organ = self._organ(passage)
        side = self._side(passage, organ)
        parts, parts_at = self._parts(passage, organ)
        sizes, sizes_at = self._sizes(passage)
        now = next((size for size in sizes if not size.prior), None)
        lesion = self._lesion
        return Finding(
            lesion_id=self._name,
            organ=organ,
            parts=parts,
            organ_masks=masks_of(organ, tuple(parts), side),
            laterality=side,
            diameters_mm=list(now.axes_mm) if now else [],
            size_kind=now.kind if now else "not_stated",
            size_min_mm=now.low_mm if now else None,
            size_max_mm=now.high_mm if now else None,
            attenuation=None if lesion.attenuation == "not_stated" else lesion.attenuation,
            kind=lesion.kind,
            kind_text=passage.lesion_word(span),
            is_metastasis=lesion.kind == "metastasis",
            presence=lesion.presence,
            temporality=lesion.time,
            prior_mm=[axis for size in sizes if size.prior for axis in size.axes_mm],
            evidence=[self._report.evidence(span)],
            field_evidence=self._field_evidence(parts=parts_at, diameters_mm=sizes_at),
            source="model",
            flags=self._flags(passage),
        )

    def _evidence(self) -> tuple[Span, Passage] | None:
        quote = self._lesion.evidence
        if sum(character.isalnum() for character in quote) < _SHORTEST_EVIDENCE:
            self._drop("evidence", quote, "it is too short to point at a place in the report")
            return None
        spans = self._report.find(quote)
        if not spans:
            self._drop("evidence", quote, "these words do not stand in the report")
            return None
        passages = [(span, passage) for span in spans if (passage := self._report.passage(span))]
        read = [(span, passage) for span, passage in passages if not passage.is_unread]
        if not read:
            self._drop("evidence", quote, "they stand in a section that describes no lesions of now")
            return None
        size = self._report.find(self._lesion.size_quote)
        return next((place for place in read if place[1].first_inside(size, also_after=True)), read[0])

    def _organ(self, passage: Passage) -> Organ:
        organ = self._lesion.organ
        if organ == "other" or organ in passage.organs:
            return organ
        self._drop("organ", organ, "no word for it stands in the sentence or its heading")
        return "other"

    def _side(self, passage: Passage, organ: Organ) -> Laterality | None:
        side = self._lesion.side
        if side == "not_stated" or organ in UNSIDED:
            return None
        if side in passage.sides:
            return side
        self._drop("side", side, "no word for it stands in the sentence or its heading")
        return None

    def _parts(self, passage: Passage, organ: Organ) -> tuple[list[str], Span | None]:
        quote = self._lesion.place_quote
        if not quote.strip():
            return [], None
        span = passage.first_inside(self._report.find(quote))
        if span is None:
            self._drop("place_quote", quote, "these words do not stand in the sentence or its heading")
            return [], None
        parts = passage.parts(span, organ)
        return parts, span if parts else None

    def _sizes(self, passage: Passage) -> tuple[list[Measurement], Span | None]:
        quote = self._lesion.size_quote
        if not quote.strip():
            return [], None
        span = passage.first_inside(self._report.find(quote), also_after=True)
        if span is None:
            self._drop("size_quote", quote, "these words do not stand in or right after the evidence")
            return [], None
        sizes = [size for size in passage.sizes(span) if size.axes_mm]
        if not sizes:
            self._drop("size_quote", quote, "they hold no size with a unit")
            return [], None
        return sizes, span

    def _field_evidence(self, **spans: Span | None) -> dict[str, list[Evidence]]:
        return {name: [self._report.evidence(span)] for name, span in spans.items() if span}

    def _flags(self, passage: Passage) -> list[str]:
        flags = [f"{row.field}_not_supported" for row in self.unsupported]
        return [*flags, "negation_in_evidence"] if passage.is_denied and self._lesion.presence != "absent" else flags

    def _drop(self, field: str, value: str, reason: str) -> None:
        self.unsupported.append(Unsupported(finding=self._name, field=field, value=value, reason=reason))
