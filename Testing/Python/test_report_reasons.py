"""Why a value was read: rules in words, with the words of the report."""

from __future__ import annotations

import pytest

from RSuperLib.phantom import PhantomSettings, make_phantom
from RSuperLib.report import read_report
from RSuperLib.report.reasons import FIELDS, Explanation, Reason, explain, rules_in_words
from RSuperLib.report.schema import Finding

RULES = rules_in_words()
REPORT = """FINDINGS:
Liver: There are two hypodense lesions in segment 7, up to 2.4 cm (previously 1.9 cm), possibly metastases.
No renal cyst. Status post resection of a 3 cm tumour of the pancreatic tail.
IMPRESSION: Hepatic metastases.
"""


def of_field(finding: Finding, field: str) -> Explanation:
    return next(explanation for explanation in explain(finding) if explanation.field == field)


@pytest.mark.parametrize(
    ("organ", "field", "words", "told"),
    [
        ("liver", "organ", ("Liver",), "The heading names the organ."),
        ("liver", "parts", ("segment 7",), "The words around the lesion name the part."),
        ("liver", "diameters_mm", ("2.4 cm",), "At most this size."),
        ("liver", "prior_mm", ("1.9 cm",), "A size at an earlier examination."),
        ("liver", "attenuation", ("hypodense",), "A word for the density."),
        ("liver", "count", ("two",), "A number of lesions."),
        ("kidney", "presence", ("No",), "A denial that covers the lesion."),
        ("pancreas", "temporality", ("Status post resection of",), "It was removed."),
    ],
)
def test_a_value_names_its_words_and_its_rule(organ: str, field: str, words: tuple[str, ...], told: str) -> None:
    finding = next(f for f in read_report(REPORT).findings if f.organ == organ)
    explanation = of_field(finding, field)
    assert explanation.words == words
    assert told in explanation.rules


def test_every_rule_decides_a_field_and_is_told_in_words() -> None:
    assert all(Reason(rule).field or rule in ("repeated", "corrected") for rule in RULES)
    assert set(FIELDS.values()) <= set(Finding.model_fields)
    assert all(text.endswith(".") for text in RULES.values())


@pytest.mark.parametrize("seed", range(12))
def test_every_rule_that_fires_is_explained(seed: int) -> None:
    text = make_phantom(seed, PhantomSettings(prevalence=1.0)).report
    for finding in read_report(text).findings:
        assert set(finding.rule_ids) <= set(RULES)
        assert {rule for rules in finding.field_rules.values() for rule in rules} <= set(finding.rule_ids)
        assert {"kind", "organ"} <= set(finding.field_rules)
        spans = [e for words in finding.field_evidence.values() for e in words]
        assert all(text[e.start : e.end] == e.text for e in spans)
