"""What the rules and the model agree on, lesion by lesion and field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from RSuperLib.report.assistant.record import ComparedField, FieldState, Row, RowState
from RSuperLib.report.schema import Finding, OrganStatus, Reading

#: Where a lesion is, how large, and whether it is there now: what training takes from a finding. Both must state it.
_DECISIVE = ("organ", "side", "parts", "size", "presence", "time")
_SAME_MM = 0.5
#: What a doubt means for training: a target, a region that stays unknown, or nothing there.
_MEANING = {"present": "there", "probable": "there", "possible": "doubtful", "unlikely": "doubtful", "absent": "absent"}


class Pair(NamedTuple):
    """A rules' finding and the model's finding of the same lesion."""

    rules: Finding
    model: Finding


def compare(rules: Sequence[Finding], model: Sequence[Finding]) -> list[Row]:
    """One row a lesion: first those of the rules in their order, then those that only the model has."""
    pairs = _matched(rules, model)
    partner = {pair.rules.lesion_id: pair.model for pair in pairs}
    taken = {pair.model.lesion_id for pair in pairs}
    repeats = {m.lesion_id: _repeated(m, rules) for m in model if m.lesion_id not in taken}
    rows = [_row(finding, partner.get(finding.lesion_id), repeats) for finding in rules]
    alone = [finding for finding in model if finding.lesion_id not in taken and not repeats[finding.lesion_id]]
    return [*rows, *(Row(rules=None, model=f.lesion_id, state="model only") for f in alone)]


def combine(reading: Reading, model: Sequence[Finding], rows: Sequence[Row]) -> Reading:
    """The rules' reading with flags where the model differs, and with the lesions that only the model has.

    A negation by the model changes nothing, and what it alone denies is not added. An organ in which it alone has a
    lesion is no longer said to be clear.
    """
    flags = {row.rules: _flags(row) for row in rows if row.rules}
    findings = [f.model_copy(update={"flags": [*f.flags, *flags[f.lesion_id]]}) for f in reading.findings]
    alone = {row.model for row in rows if row.state == "model only"}
    added = [f for f in model if f.lesion_id in alone and f.presence != "absent"]
    added = [f.model_copy(update={"flags": [*f.flags, "model_only"]}) for f in added]
    organs = [_no_longer_clear(status, added) for status in reading.organs]
    return reading.model_copy(update={"findings": [*findings, *added], "organs": organs})


def compared_fields(rules: Finding, model: Finding) -> dict[str, ComparedField]:
    """The fields that at least one of two findings states."""
    values = {name: (_shown(rules, name), _shown(model, name)) for name in (*_DECISIVE, "kind", "attenuation")}
    return {
        name: ComparedField(state=_field_state(one, other, same=_same(name, rules, model)), rules=one, model=other)
        for name, (one, other) in values.items()
        if one or other
    }


def _matched(rules: Sequence[Finding], model: Sequence[Finding]) -> list[Pair]:
    """Pairs of the same lesion, the most alike first, each finding in one pair at most."""
    likeness = {(r, m): _likeness(one, other) for r, one in enumerate(rules) for m, other in enumerate(model)}
    pairs: list[Pair] = []
    used: set[tuple[str, int]] = set()
    for (r, m), score in sorted(likeness.items(), key=lambda item: (-item[1], item[0])):
        if score > 0 and not {("rules", r), ("model", m)} & used:
            used |= {("rules", r), ("model", m)}
            pairs.append(Pair(rules[r], model[m]))
    return pairs


def _likeness(rules: Finding, model: Finding) -> float:
    """How sure it is that two findings are one lesion; 0 where nothing ties them together.

    They are tied by shared words of evidence, or by the same organ and size told elsewhere.
    """
    fields = compared_fields(rules, model)
    agreed = {name for name, field in fields.items() if field.state == "agree"}
    conflicts = sum(field.state == "conflict" for field in fields.values())
    if not (_overlap(rules, model) or {"organ", "size"} <= agreed):
        return 0.0
    score = 3 * ("size" in agreed) + 2 * ("organ" in agreed) + 2 * ("parts" in agreed) + _overlap(rules, model)
    return max(score - 0.5 * conflicts, 0.1)


def _overlap(one: Finding, other: Finding) -> float:
    """Largest share that two pieces of evidence have in common, of the shorter one."""
    shares = [
        (min(a.end, b.end) - max(a.start, b.start)) / min(a.end - a.start, b.end - b.start)
        for a in one.evidence
        for b in other.evidence
    ]
    return max(0.0, *shares)


def _repeated(model: Finding, rules: Sequence[Finding]) -> str:
    """Id of the rules' finding that a left-over finding of the model tells again; "" if it is one of its own."""
    for finding in rules:
        fields = compared_fields(finding, model)
        states = [fields[name].state for name in _DECISIVE if name in fields]
        if _overlap(finding, model) and not {"conflict", "model only"} & set(states):
            return finding.lesion_id
    return ""


def _row(rules: Finding, model: Finding | None, repeats: dict[str, str]) -> Row:
    told_again = [name for name, of in repeats.items() if of == rules.lesion_id]
    if model is None:
        return Row(rules=rules.lesion_id, model=None, state="rules only", repeats=told_again)
    fields = compared_fields(rules, model)
    state = _row_state(fields, same_masks=set(rules.organ_masks) == set(model.organ_masks))
    return Row(
        rules=rules.lesion_id, model=model.lesion_id, state=state, fields=fields, repeats=told_again,
        ready_for_training=state == "agree",
    )  # fmt: skip


def _row_state(fields: dict[str, ComparedField], *, same_masks: bool) -> RowState:
    """What the fields come to. A part that has no mask of its own ("lower pole") may be left open."""
    if any(field.state == "conflict" for field in fields.values()):
        return "conflict"
    decisive = {fields[name].state for name in _DECISIVE if name in fields and not (name == "parts" and same_masks)}
    return "agree" if decisive <= {"agree"} else "partly"


def _field_state(rules: str, model: str, *, same: bool) -> FieldState:
    if rules and model:
        return "agree" if same else "conflict"
    return "rules only" if rules else "model only"


def _same(field: str, rules: Finding, model: Finding) -> bool:
    if field == "size":
        return _same_size(rules, model)
    if field == "parts":
        return set(rules.organ_masks) == set(model.organ_masks)
    if field == "presence":
        return _MEANING[rules.presence] == _MEANING[model.presence]
    return _shown(rules, field) == _shown(model, field)


def _same_size(rules: Finding, model: Finding) -> bool:
    """Whether two sizes are equal as far as both give axes, and mean the same by them."""
    one, other = sorted(rules.diameters_mm, reverse=True), sorted(model.diameters_mm, reverse=True)
    alike = all(abs(a - b) <= _SAME_MM for a, b in zip(one, other, strict=False))
    return rules.size_kind == model.size_kind and alike


def _shown(finding: Finding, field: str) -> str:
    """A field's value in words; "" where the finding leaves it open."""
    values = {
        "organ": "" if finding.organ == "other" else finding.organ.replace("_", " "),
        "side": finding.laterality or "",
        "parts": ", ".join(finding.parts),
        "size": f"{' x '.join(f'{axis:g}' for axis in finding.diameters_mm)} mm" if finding.diameters_mm else "",
        "presence": finding.presence,
        "time": finding.temporality,
        "kind": "" if finding.kind == "indeterminate" else finding.kind,
        "attenuation": (finding.attenuation or "").replace("_", " "),
    }
    return values[field]


def _flags(row: Row) -> list[str]:
    if row.state == "rules only":
        return ["model_does_not_list_it"]
    return [f"model_conflict_{name}" for name, field in row.fields.items() if field.state == "conflict"]


def _no_longer_clear(status: OrganStatus, added: Sequence[Finding]) -> OrganStatus:
    """The status of an organ, "not stated" if it was clear by the rules and has a lesion by the model alone."""
    if status.status in ("normal", "no_lesion") and any(_lies_in(finding, status) for finding in added):
        return status.model_copy(update={"status": "not_stated"})
    return status


def _lies_in(finding: Finding, status: OrganStatus) -> bool:
    """Whether a lesion may lie in what a status speaks of; one whose organ is open may lie anywhere."""
    if not finding.is_lesion:
        return False
    if status.organ == "upper_abdomen" or finding.organ == "other":
        return True
    sides = (finding.laterality, status.laterality)
    apart = None not in sides and "bilateral" not in sides and sides[0] != sides[1]
    return finding.organ == status.organ and not apart
