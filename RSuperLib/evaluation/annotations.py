"""What a person says is in a report: the annotation that readings are measured against.

One JSON object a line, one line a report; `Docs/reading.md` tells how to annotate your own reports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from RSuperLib.io import InputError
from RSuperLib.report.schema import Attenuation, Kind, Laterality, Millimetres, Multiplicity, Organ, StatedOrgan


class AnnotatedLesion(BaseModel):
    """One lesion, or one group described together, as a person reads it."""

    model_config = ConfigDict(extra="ignore")
    organ: Organ
    #: A second organ that the words allow.
    organ_alt: Organ | None = None
    sub_location: str | None = None
    laterality: Laterality | None = None
    multiplicity: Multiplicity = "unspecified"
    count: int | None = None
    #: Of this examination; a group gives its largest member.
    diameters_mm: list[Millimetres] = []
    certainty: Literal["definite", "probable", "possible", "negated"] = "definite"
    kind: Kind = "indeterminate"
    attenuation: Attenuation | None = None
    #: Exact words of the report.
    evidence: str

    @property
    def is_lesion(self) -> bool:
        """Whether the report says that it is, or may be, there."""
        return self.certainty != "negated"


class AnnotatedOrgan(BaseModel):
    """An organ, or one side or region of it, that the report calls normal, free of lesions, or removed."""

    model_config = ConfigDict(extra="ignore")
    organ: StatedOrgan
    status: Literal["normal", "no_lesion", "absent"]
    laterality: Laterality | None = None
    region: str | None = None


class Annotation(BaseModel):
    """Everything a person found in one report."""

    model_config = ConfigDict(extra="ignore")
    report_id: str
    lesions: list[AnnotatedLesion] = []
    organs_stated: list[AnnotatedOrgan] = Field(default=[])


def load_annotations(path: Path) -> dict[str, Annotation]:
    """Annotations by report.

    Raises:
        InputError: the file or one of its lines cannot be read; the message names the line and the field.
    """
    annotations: dict[str, Annotation] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            annotation = Annotation.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(step) for step in first["loc"]) or "the line"
            raise InputError(
                f"Line {number} of {path.name}: {field}: {first['msg']}.", "Correct the annotation (Docs/reading.md)."
            ) from error
        annotations[annotation.report_id] = annotation
    return annotations


def load_reports(path: Path) -> dict[str, str]:
    """Texts by report, from lines of {"id", "text"}.

    Raises:
        InputError: the file or one of its lines cannot be read.
    """
    reports: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                reports[str(row["id"])] = str(row["text"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"Line {number} of {path.name} is no report.", 'Each line is {"id": "…", "text": "…"}.'
                ) from error
    return reports


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} cannot be read.", "Give a text file in UTF-8, one JSON object a line."
        ) from error
