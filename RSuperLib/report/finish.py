"""From drafts and statements to the records of a reading."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

from RSuperLib.report.assemble import Draft
from RSuperLib.report.normalise import NormalText
from RSuperLib.report.place import masks_of
from RSuperLib.report.schema import Evidence, Finding, Laterality, Organ, OrganStatus, StatedOrgan
from RSuperLib.report.statements import Statement

_CLEAR = ("normal", "no_lesion")
#: The part of the largest, or of most, does not hold the others.
_SOME_OF_THE_GROUP = {"part_of_largest", "part_of_most"}
#: How far a rule is to be trusted: (right + 1) / (asked + 2) on the 136 annotated reports that the rules were written
#: with (Docs/reading.md). Rules that hardly fired there stay low.
_TRUST = {
    "organ_of_lesion": 0.99, "organ_in_words": 0.99, "organ_in_sentence": 0.92, "organ_heading": 0.98,
    "organ_beside": 0.8, "organ_of_segment": 0.93, "organ_of_operation": 0.8, "organ_carried": 0.93,
    "organ_unknown": 0.1, "organ_elsewhere": 0.6, "organ_of_part": 0.6, "side_near_organ": 0.99, "side_of_part": 0.9,
    "side_nearest": 0.97, "side_elsewhere": 0.8, "side_in_sentence": 0.8, "side_heading": 0.89, "side_carried": 0.8,
    "side_of_plural": 0.75, "side_of_group": 0.94,
}  # fmt: skip
_ORGANS = frozenset(get_args(Organ))


def finding_of(report: NormalText, draft: Draft, lesion_id: str) -> Finding:
    """The record of a draft, with its evidence in the pasted text."""
    mention, place, size = draft.mention, draft.place, draft.size
    organ = cast(Organ, place.organ if place.organ in _ORGANS else "other")
    head = mention.head
    return Finding(
        lesion_id=lesion_id,
        organ=organ,
        parts=list(place.parts),
        organ_masks=masks_of(organ, () if _SOME_OF_THE_GROUP & set(draft.flags) else place.parts, place.side),
        laterality=place.side,
        count=draft.count.number,
        count_kind=draft.count.kind,
        multiplicity=draft.count.multiplicity,
        diameters_mm=list(size.axes_mm) if size else [],
        size_kind=size.kind if size else "qualitative" if draft.qualitative else "not_stated",
        size_min_mm=size.low_mm if size else None,
        size_max_mm=size.high_mm if size else draft.qualitative_max_mm,
        attenuation=draft.attenuation,
        # Whatever its cause, a lymph node stays one: "liver, bone and nodal metastases".
        kind="node" if organ == "lymph_node" else head.kind,
        kind_text=mention.kind_text,
        malignancy=head.malignancy,
        is_metastasis=head.kind == "metastasis" or head.metastatic,
        presence=draft.presence,
        type_certainty=mention.type_certainty,
        temporality=draft.temporality,
        prior_mm=[axis for earlier in draft.prior for axis in earlier.axes_mm],
        change=draft.change,
        series=draft.series,
        image=draft.image,
        evidence=[evidence_of(report, *span) for span in draft.evidence],
        field_evidence=_field_evidence(report, draft),
        field_rules=_field_rules(draft),
        rule_ids=list(dict.fromkeys(reason.rule for reason in draft.reasons)),
        field_confidence=_confidence(draft),
        flags=list(dict.fromkeys(draft.flags)),
    )


def evidence_of(report: NormalText, start: int, end: int, section: str) -> Evidence:
    """The pasted characters behind a span of the normal text."""
    first, last = report.original_span(start, end)
    return Evidence(start=first, end=last, text=report.original[first:last], section=section)


def _field_evidence(report: NormalText, draft: Draft) -> dict[str, list[Evidence]]:
    """The words that decided each field."""
    found: dict[str, list[Evidence]] = {}
    for reason in draft.reasons:
        if reason.field and reason.end > reason.start:
            section = next((s for start, end, s in draft.evidence if start <= reason.start < end), draft.section)
            words = evidence_of(report, reason.start, reason.end, section)
            if words not in found.setdefault(reason.field, []):
                found[reason.field].append(words)
    return found


def _field_rules(draft: Draft) -> dict[str, list[str]]:
    rules: dict[str, list[str]] = {}
    for reason in draft.reasons:
        if reason.field and reason.rule not in rules.setdefault(reason.field, []):
            rules[reason.field].append(reason.rule)
    return rules


def _confidence(draft: Draft) -> dict[str, float]:
    confidence = {
        reason.field: _TRUST[reason.rule] for reason in draft.reasons if reason.field and reason.rule in _TRUST
    }
    if draft.size:
        late = draft.fired("size_in_next_sentence") or "several_sizes" in draft.flags
        confidence["diameters_mm"] = 0.7 if late else 0.98
    return confidence


def organ_statuses(report: NormalText, statements: list[Statement], drafts: list[Draft],
                   doubtful: set[str]) -> list[OrganStatus]:  # fmt: skip
    """One status per organ, side and region. A lesion outweighs every "normal", and so does a doubt."""
    lesions = [draft for draft in drafts if draft.is_lesion]
    statuses: dict[tuple[str, str | None, str | None], OrganStatus] = {}
    for organ in dict.fromkeys(draft.place.organ for draft in lesions if draft.place.organ in _ORGANS):
        spans = [span for draft in lesions if draft.place.organ == organ for span in draft.evidence]
        statuses[organ, None, None] = OrganStatus(
            organ=cast(Organ, organ), status="lesion", evidence=[evidence_of(report, *span) for span in spans[:1]]
        )
    for statement in statements:
        kept = _without_contradiction(statement, lesions, doubtful)
        if kept is None:
            continue
        key = (kept.organ, kept.side, kept.region)
        if key not in statuses or (statuses[key].status == "normal" and kept.status == "no_lesion"):
            statuses[key] = OrganStatus(
                organ=cast(StatedOrgan, kept.organ), status=kept.status, laterality=kept.side, region=kept.region,
                evidence=[evidence_of(report, kept.start, kept.end, kept.section)],
            )  # fmt: skip
    return list(statuses.values())


def _without_contradiction(statement: Statement, lesions: list[Draft], doubtful: set[str]) -> Statement | None:
    """The statement as far as no lesion contradicts it: wholly, for the other side only, or not at all."""
    inside = [draft for draft in lesions if draft.place.organ == statement.organ]
    if statement.organ in doubtful and statement.status in _CLEAR:
        return None
    if not inside:
        return statement
    if statement.organ == "lymph_node" and statement.region:
        parts = {part for draft in inside for part in draft.place.parts}
        words = {word for part in parts for word in part.split()}
        met = parts & statement.parts or words & set(statement.region.replace(",", " ").split())
        return None if met else statement
    sides = {draft.place.side for draft in inside}
    if len(sides) != 1 or not sides <= {"left", "right"}:
        return None
    (side,) = sides
    if statement.side in ("left", "right"):
        return statement if statement.side != side else None
    other: Laterality = "right" if side == "left" else "left"
    return replace(statement, side=other) if statement.side == "bilateral" else None
