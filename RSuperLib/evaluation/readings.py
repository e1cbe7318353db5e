"""Readings of reports measured against what a person read.

Lesions match one to one within a report: same organ, sides that do not contradict, and of all such matchings the one
that agrees most in size, then side, part, words and kind (Hungarian method). Figures are micro-averages over reports.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from RSuperLib.evaluation.annotations import AnnotatedLesion, AnnotatedOrgan, Annotation
from RSuperLib.evaluation.intervals import Ratio, ratio
from RSuperLib.report.schema import Finding, Reading

#: A largest diameter is right within this, a single diameter within half of it: rounding, never another lesion.
SIZE_SLACK_MM = 1.0
#: Organs whose lobes and sides are parts, not sides.
_UNSIDED = frozenset({"liver", "pancreas", "spleen", "stomach", "uterus"})
_CLEAR = ("normal", "no_lesion")
#: Two wordings of one place.
_SAME_PLACE = {
    "superior": "upper", "inferior": "lower", "ventral": "anterior", "dorsal": "posterior", "cranial": "upper",
    "caudal": "lower", "segments": "segment", "interpolar": "mid", "middle": "mid", "apical": "apex",
    "apices": "apex", "hilar": "hilum", "mediastinal": "mediastinum", "axillary": "axilla", "axillae": "axilla",
    "poles": "pole", "lobes": "lobe", "vertebral": "vertebra", "subpleural": "pleura", "pleural": "pleura",
}  # fmt: skip
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
_NO_PLACE = frozenset({
    "the", "of", "and", "in", "at", "to", "lobe", "left", "right", "bilateral", "both", "process", "side", "level",
    "segment",
})  # fmt: skip


@dataclass
class ReportScore:
    """Counts of one report: (right, asked) by figure, and the errors by class."""

    report_id: str
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class ReadingScores:
    """Figures over all reports, and how often each class of error occurred."""

    reports: int
    lesions: int
    figures: dict[str, Ratio]
    errors: dict[str, int]


def score_readings(pairs: Iterable[tuple[Annotation, Reading, str]]) -> tuple[ReadingScores, list[ReportScore]]:
    """Score readings against annotations.

    Args:
        pairs: annotation, reading and text of each report.

    Returns:
        The figures with their intervals, and each report's own counts and errors.
    """
    scores, lesions = [], 0
    for annotation, reading, text in pairs:
        scores.append(score_report(annotation, reading, text))
        lesions += sum(lesion.is_lesion for lesion in annotation.lesions)
    names = dict.fromkeys(name for score in scores for name in score.counts)
    figures = {name: ratio([score.counts.get(name, (0, 0)) for score in scores]) for name in names}
    errors = Counter(kind for score in scores for kind, _ in score.errors)
    return ReadingScores(len(scores), lesions, figures, dict(errors.most_common())), scores


def score_report(annotation: Annotation, reading: Reading, text: str) -> ReportScore:
    """The counts of one report."""
    score = ReportScore(annotation.report_id)
    gold = [lesion for lesion in annotation.lesions if lesion.is_lesion]
    found = reading.lesions
    pairs = _match(gold, found, text)
    sized = [(g, f) for g, f in pairs if _same_size(gold[g], found[f])]
    score.counts["measurement_f1"] = _measurements(gold, found)
    score.counts["lesion_f1"] = (2 * len(pairs), len(gold) + len(found))
    score.counts["lesion_sized_f1"] = (2 * len(sized), len(gold) + len(found))
    _score_attributes(score, [(gold[g], found[f]) for g, f in pairs])
    _score_organs(score, annotation.organs_stated, gold, reading)
    _score_dangers(score, gold, [g for g, _ in pairs], reading, text)
    whole = len(pairs) == len(gold) == len(found) and all(_exact(gold[g], found[f]) for g, f in pairs)
    score.counts["whole_report"] = (int(whole), 1)
    missed, extra = set(range(len(gold))) - {g for g, _ in pairs}, set(range(len(found))) - {f for _, f in pairs}
    score.errors += [("missed lesion", gold[g].evidence) for g in sorted(missed)]
    score.errors += [("extra lesion", found[f].evidence[0].text) for f in sorted(extra)]
    score.errors += [("other size", gold[g].evidence) for g, f in pairs if (g, f) not in sized]
    return score


def _match(gold: Sequence[AnnotatedLesion], found: Sequence[Finding], text: str) -> list[tuple[int, int]]:
    if not gold or not found:
        return []
    likeness = np.array([[_likeness(one, other, text) for other in found] for one in gold], float)
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    return [(int(g), int(f)) for g, f in zip(rows, columns, strict=True) if likeness[g, f] > 0]


def _likeness(gold: AnnotatedLesion, found: Finding, text: str) -> int:
    """0 where they cannot be one lesion; a match at all outweighs every preference among matches."""
    if found.organ not in (gold.organ, gold.organ_alt) or not _sides_fit(gold, found):
        return 0
    preferences = (
        _same_size(gold, found), _same_side(gold, found), same_place(gold, found),
        _same_words(gold, found, text), gold.kind == found.kind,
    )  # fmt: skip
    return 1000 + sum(1 << (len(preferences) - k) for k, right in enumerate(preferences) if right)


def _sides_fit(gold: AnnotatedLesion, found: Finding) -> bool:
    sides = {gold.laterality, found.laterality} - {None}
    return gold.organ in _UNSIDED or len(sides) < 2 or "bilateral" in sides


def _same_side(gold: AnnotatedLesion, found: Finding) -> bool:
    return gold.organ in _UNSIDED or gold.laterality is None or gold.laterality == found.laterality


def _exact(gold: AnnotatedLesion, found: Finding) -> bool:
    """Side as annotated, and every diameter."""
    side = gold.organ in _UNSIDED or gold.laterality == found.laterality
    both = zip(sorted(gold.diameters_mm), sorted(found.diameters_mm), strict=False)
    close = all(abs(mine - theirs) <= SIZE_SLACK_MM / 2 for mine, theirs in both)
    return side and close and len(gold.diameters_mm) == len(found.diameters_mm)


def _same_size(gold: AnnotatedLesion, found: Finding) -> bool:
    if not gold.diameters_mm or not found.diameters_mm:
        return not gold.diameters_mm and not found.diameters_mm
    return abs(max(gold.diameters_mm) - max(found.diameters_mm)) <= SIZE_SLACK_MM


def _same_words(gold: AnnotatedLesion, found: Finding, text: str) -> bool:
    start = text.find(gold.evidence)
    return any(e.start < start + len(gold.evidence) and start < e.end for e in found.evidence)


def same_place(gold: AnnotatedLesion, found: Finding) -> bool:
    """Whether at least half of the words for the place in the organ are the same."""
    return _place_overlap(gold, found) >= 0.5


def _place_words(words: str) -> set[str]:
    tokens = [_ROMAN.get(token, token) for token in re.findall(r"[a-z]+\d+|\d+[a-z]?|[a-z]+", words.lower())]
    return {_SAME_PLACE.get(token, token) for token in tokens} - _NO_PLACE


def _place_overlap(gold: AnnotatedLesion, found: Finding) -> float:
    """Dice of the words for the place."""
    mine, theirs = _place_words(gold.sub_location or ""), _place_words(" ".join(found.parts))
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine or theirs else 1.0


def _measurements(gold: Sequence[AnnotatedLesion], found: Sequence[Finding]) -> tuple[int, int]:
    """Twice the diameters that both have, and all of them: F1 over diameters as a multiset."""
    mine = sorted(d for lesion in gold for d in lesion.diameters_mm)
    theirs = sorted(d for lesion in found for d in lesion.diameters_mm)
    same, rest = 0, list(theirs)
    for diameter in mine:
        near = next((other for other in rest if abs(other - diameter) <= SIZE_SLACK_MM / 2), None)
        if near is not None:
            rest.remove(near)
            same += 1
    return 2 * same, len(mine) + len(theirs)


def _score_attributes(score: ReportScore, pairs: Sequence[tuple[AnnotatedLesion, Finding]]) -> None:
    """Each attribute over the matched lesions of which the annotation says it."""
    sided = [(g, f) for g, f in pairs if g.laterality and g.organ not in _UNSIDED]
    placed = [(g, f) for g, f in pairs if _place_words(g.sub_location or "")]
    dense = [(g, f) for g, f in pairs if g.attenuation]
    checks: dict[str, list[tuple[bool, AnnotatedLesion, str]]] = {
        "side": [(_same_side(g, f), g, str(f.laterality)) for g, f in sided],
        "part": [(same_place(g, f), g, ", ".join(f.parts)) for g, f in placed],
        "kind": [(g.kind == f.kind, g, f.kind) for g, f in pairs],
        "attenuation": [(g.attenuation == f.attenuation, g, str(f.attenuation)) for g, f in dense],
        "count": [(_same_count(g, f), g, str(f.count)) for g, f in pairs],
        "certain": [((g.certainty == "possible") == (f.presence == "possible"), g, f.presence) for g, f in pairs],
    }
    for name, answers in checks.items():
        score.counts[name] = (sum(right for right, _, _ in answers), len(answers))
        score.errors += [(f"other {name}", f"{said}: {gold.evidence}") for right, gold, said in answers if not right]


def _same_count(gold: AnnotatedLesion, found: Finding) -> bool:
    mine = gold.count or (1 if gold.multiplicity == "single" else gold.multiplicity)
    return mine == (found.count or (1 if found.multiplicity == "single" else found.multiplicity))


def _score_organs(score: ReportScore, stated: Sequence[AnnotatedOrgan], gold: Sequence[AnnotatedLesion],
                  reading: Reading) -> None:  # fmt: skip
    """Organs said to be clear, without those that have a lesion elsewhere."""
    lesions = {lesion.organ for lesion in gold}
    mine = {organ.organ for organ in stated if organ.status in _CLEAR} - lesions
    theirs = {organ.organ for organ in reading.organs if organ.status in _CLEAR} - lesions
    if any(organ.organ == "upper_abdomen" for organ in stated):  # spelling it out is neither right nor wrong
        theirs &= mine | {"lung", "pleura", "mediastinum", "bone", "lymph_node", "thyroid", "breast", "upper_abdomen"}
    score.counts["organ_clear_f1"] = (2 * len(mine & theirs), len(mine) + len(theirs))
    score.errors += [("clear organ not read", organ) for organ in sorted(mine - theirs)]
    score.errors += [("organ called clear unasked", organ) for organ in sorted(theirs - mine)]


def _score_dangers(score: ReportScore, gold: Sequence[AnnotatedLesion], matched: Sequence[int], reading: Reading,
                   text: str) -> None:  # fmt: skip
    """The errors that would teach a model that a tumour is healthy tissue; a share of 0 is right."""
    organs = sorted({lesion.organ for lesion in gold})
    called = [organ for organ in organs if _called_clear(organ, [g for g in gold if g.organ == organ], reading)]
    gone = [finding for finding in reading.findings if not finding.is_lesion]
    lost = [gold[k] for k in range(len(gold)) if k not in matched and _told_as_gone(gold[k], gone, text)]
    score.counts["lesion_organ_called_clear"] = (len(called), len(organs))
    score.counts["lesion_called_absent"] = (len(lost), len(gold))
    score.errors += [("DANGER organ with a lesion called clear", organ) for organ in called]
    score.errors += [("DANGER lesion called absent or old", lesion.evidence) for lesion in lost]


def _called_clear(organ: str, lesions: Sequence[AnnotatedLesion], reading: Reading) -> bool:
    sides = {lesion.laterality for lesion in lesions}
    for status in reading.organs:
        if status.organ != organ or status.status not in (*_CLEAR, "absent"):
            continue
        other_side = status.laterality in ("left", "right") and {None, "bilateral", status.laterality}.isdisjoint(sides)
        if not other_side and not (organ == "lymph_node" and status.region):
            return True
    return False


def _told_as_gone(lesion: AnnotatedLesion, gone: Sequence[Finding], text: str) -> bool:
    return any(
        finding.organ in (lesion.organ, lesion.organ_alt) and _sides_fit(lesion, finding)
        and (_same_words(lesion, finding, text) or (lesion.diameters_mm and _same_size(lesion, finding)))
        for finding in gone
    )  # fmt: skip
