"""Sentences with their right answers, one rule each: `reports/rules_<language>.jsonl`.

The answers were decided before the reader was asked. A sentence says only what its rule is about: `lesions` are the
lesions that the text describes (one for one), `absent` organs in which none may be read, `organs` the statements that
must be read, `not_clear` organs that must not be called normal or free of lesions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from RSuperLib.evaluation.annotations import AnnotatedLesion
from RSuperLib.evaluation.readings import same_place
from RSuperLib.report import Finding, Reading, read_report

FOLDER = Path(__file__).parent / "reports"
CASES = [
    json.loads(line)
    for path in sorted(FOLDER.glob("rules_*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]


def misses(expected: dict[str, Any], finding: Finding) -> list[str]:
    """What a finding has other than expected."""
    wrong = []
    for name, value in expected.items():
        got = getattr(finding, name)
        if name == "diameters_mm":
            right = len(got) == len(value) and all(abs(a - b) <= 0.5 for a, b in zip(got, value, strict=True))
        elif name == "parts":
            annotated = AnnotatedLesion(organ=finding.organ, sub_location=" ".join(value), evidence="x")
            right = not value or same_place(annotated, finding)
        elif name == "presence" and value == "present":
            right = got in ("present", "probable")
        else:
            right = got == value
        if not right:
            wrong.append(f"{name}: {got!r}, not {value!r}")
    return wrong


def lesions_of(expected: list[dict[str, Any]], reading: Reading) -> list[str]:
    """Match expected lesions to those read, each to the one that fits best; what is left is wrong."""
    left = list(reading.lesions)
    wrong = []
    for one in expected:
        best = min(left, key=lambda finding: len(misses(one, finding)), default=None)
        if best is None:
            wrong.append(f"missed {one}")
            continue
        left.remove(best)
        wrong += misses(one, best)
    said = [f"{f.laterality or ''} {f.organ} {f.kind_text} {f.diameters_mm}" for f in left]
    return wrong + [f"extra {text}" for text in said]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_rule(case: dict[str, Any]) -> None:
    reading = read_report(case["text"])
    assert reading.status == "read", reading.reason
    wrong = lesions_of(case["lesions"], reading) if "lesions" in case else []
    wrong += [f"lesion in {f.organ}" for f in reading.lesions if f.organ in case.get("absent", [])]
    stated = {(organ.organ, organ.status, organ.laterality) for organ in reading.organs}
    stated |= {(organ.organ, organ.status, "") for organ in reading.organs}
    for organ in case.get("organs", []):
        if (organ["organ"], organ["status"], organ.get("laterality", "")) not in stated:
            wrong.append(f"not read: {organ}")
    clear = {organ.organ for organ in reading.organs if organ.status in ("normal", "no_lesion")}
    wrong += [f"{organ} called clear" for organ in case.get("not_clear", []) if organ in clear]
    assert not wrong, f"{case['rule']}: {case['text']}"
    assert all(case["text"][e.start : e.end] == e.text for f in reading.findings for e in f.evidence)
