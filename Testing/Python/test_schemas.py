"""Docs/schemas says what the files of the contract hold; it is made from the code by running this file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from RSuperLib.agreement import Agreement
from RSuperLib.models import ModelCard
from RSuperLib.report import Reading
from RSuperLib.report.assistant import AssistedReading
from RSuperLib.report.tables import CtRow, TableCase
from RSuperLib.worker.record import RunRecord

FOLDER = Path(__file__).parents[2] / "Docs" / "schemas"
MODELS: dict[str, type[BaseModel]] = {
    "reading": Reading,
    "assisted-reading": AssistedReading,
    "agreement": Agreement,
    "run": RunRecord,
    "model-card": ModelCard,
    "table-case": TableCase,
    "ct-row": CtRow,
}


def schema_text(model: type[BaseModel]) -> str:
    return json.dumps(model.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", MODELS)
def test_the_documented_schema_is_that_of_the_code(name: str) -> None:
    path = FOLDER / f"{name}.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text(MODELS[name]), "run: python Testing/Python/test_schemas.py"
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    for name, model in MODELS.items():
        (FOLDER / f"{name}.schema.json").write_text(schema_text(model), encoding="utf-8")
