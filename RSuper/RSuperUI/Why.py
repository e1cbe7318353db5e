"""Why a value of a finding was read: the report's words for it, and the rule."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Why:
    """One value, as people write it, with what it rests on.

    Attributes:
        field: name of the value in a `reading.json`.
        value: the value in words.
        words: the report's own words, each once.
        rules: sentences of the rules that decided.
        confidence: 0 to 1; None where it is not judged.
    """

    field: str
    value: str
    words: tuple[str, ...]
    rules: tuple[str, ...]
    confidence: float | None


def whysOf(content: dict[str, Any]) -> tuple[Why, ...]:
    """The reasons in one of the findings of a `reading.json`, in the order in which the rules fired."""
    sentences = _ruleSentences()
    words = content.get("field_evidence", {})
    confidence = content.get("field_confidence", {})
    return tuple(
        Why(
            field=field,
            value=_inWords(content.get(field)),
            words=tuple(dict.fromkeys(" ".join(one["text"].split()) for one in words.get(field, []))),
            rules=tuple(dict.fromkeys(sentences[rule] for rule in rules if rule in sentences)),
            confidence=confidence.get(field),
        )
        for field, rules in content.get("field_rules", {}).items()
    )


@cache
def _ruleSentences() -> dict[str, str]:
    """The library's own file: reading it needs none of the packages that reading a report needs."""
    text = files("RSuperLib").joinpath("report", "rules.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _inWords(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return "" if value is None else str(value).replace("_", " ")
