"""What a language model is asked to say: a flat list of lesions in quotes and enumerations, without a single number.

A bare number could run on for thousands of digits and need not be in the report; a quote has a longest length and can
be looked up. So the model points at words, and RSuper's own parser reads the numbers in them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from RSuperLib.io.errors import RSuperError
from RSuperLib.report.schema import Attenuation, Kind, Laterality, Organ, Presence, Temporality

ANSWER_VERSION: Final = 1
MOST_LESIONS = 30
#: Characters. A sentence of a report is rarely longer; what is longer is not the sentence of one lesion.
LONGEST_EVIDENCE = 400
LONGEST_QUOTE = 80

_Evidence = Annotated[str, StringConstraints(max_length=LONGEST_EVIDENCE)]
_Quote = Annotated[str, StringConstraints(max_length=LONGEST_QUOTE)]
_Record = TypeVar("_Record", bound=BaseModel)


class AnswerError(RSuperError):
    """The model answered, but not with what was asked for."""


class ListedLesion(BaseModel):
    """One lesion as a model lists it; "" and `not_stated` where the report is silent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    evidence: _Evidence
    organ: Organ
    side: Laterality | Literal["not_stated"]
    place_quote: _Quote
    size_quote: _Quote
    kind: Kind
    attenuation: Attenuation | Literal["not_stated"]
    presence: Presence
    time: Temporality


class Answer(BaseModel):
    """All lesions that a model lists for one report."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lesions: Annotated[list[ListedLesion], Field(max_length=MOST_LESIONS)]


class Ready(BaseModel):
    """The answer to the probe: whether a server keeps to a JSON schema at all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ready: Literal["yes"]


def answer_schema() -> dict[str, Any]:
    """The JSON schema of an `Answer`, flat: no references, every string and the list with a largest size."""
    lesions = {"type": "array", "maxItems": MOST_LESIONS, "items": _object(ListedLesion)}
    return {
        "type": "object",
        "properties": {"lesions": lesions},
        "required": ["lesions"],
        "additionalProperties": False,
    }


def ready_schema() -> dict[str, Any]:
    """The JSON schema of the probe's answer."""
    return _object(Ready)


def parse_answer(content: str, kind: type[_Record]) -> _Record:
    """The answer in `content`.

    Raises:
        AnswerError: it is not JSON or not what was asked for. What it says instead is not repeated, because it
            may hold words of the report.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        raise AnswerError("The language model's answer is not in the form that was asked for.") from None


def _object(record: type[BaseModel]) -> dict[str, Any]:
    properties = {name: _plain(field) for name, field in record.model_json_schema()["properties"].items()}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without titles; alternatives of enumerations become one enumeration."""
    if "maxLength" in field:
        return {"type": "string", "maxLength": field["maxLength"]}
    rows = field.get("anyOf", [field])
    return {"type": "string", "enum": [value for row in rows for value in row.get("enum", [row.get("const")])]}
