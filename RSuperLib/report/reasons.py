"""Why a value was read: the rule that decided it, and the words that it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from RSuperLib.report.schema import Finding

#: Beginning of a rule's name to the field of a finding that it decides.
FIELDS = {
    "kind": "kind", "organ": "organ", "side": "laterality", "part": "parts", "size": "diameters_mm",
    "prior": "prior_mm", "count": "count", "attenuation": "attenuation", "presence": "presence", "time": "temporality",
    "change": "change", "slice": "image",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that fired, and its words (a span of the normal text; empty where no words of this report decide)."""

    rule: str
    start: int = 0
    end: int = 0

    @property
    def field(self) -> str | None:
        """The field of a finding that the rule decides."""
        return FIELDS.get(self.rule.split("_")[0])


@dataclass(frozen=True)
class Explanation:
    """One value of a finding, and why it is what it is."""

    field: str
    value: str
    words: tuple[str, ...]
    rules: tuple[str, ...]
    confidence: float | None


@cache
def rules_in_words() -> dict[str, str]:
    """Every rule with a sentence for people. A rule's name begins with what it decides."""
    text = (files("RSuperLib.report") / "rules.json").read_text("utf-8")
    return {name: str(sentence) for name, sentence in json.loads(text).items()}


def explain(finding: Finding) -> Iterator[Explanation]:
    """Every value of a finding that words decided, with these words and the rules in plain language."""
    sentences = rules_in_words()
    for field, rules in finding.field_rules.items():
        words = tuple(dict.fromkeys(evidence.text for evidence in finding.field_evidence.get(field, [])))
        told = tuple(dict.fromkeys(sentences[rule] for rule in rules if rule in sentences))
        yield Explanation(field, _in_words(getattr(finding, field)), words, told, finding.field_confidence.get(field))


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value) or "none"
    return "none" if value is None else str(value).replace("_", " ")
