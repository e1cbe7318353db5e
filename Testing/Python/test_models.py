"""The registry: what is listed, and what is wrong with what cannot be used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from RSuperLib.cli import main
from RSuperLib.io.errors import InputError
from RSuperLib.models import FINDER, ModelCard, find_model, list_models, models_folder

WEIGHTS = b"weights of a small network"


def add_model(folder: Path, model_id: str = "tiny", content: bytes | None = WEIGHTS, **changes: object) -> Path:
    """Put a model folder as `rsuper models add` will leave it."""
    place = folder / model_id
    place.mkdir(parents=True)
    card = ModelCard(
        id=model_id, name="Tiny", purpose="Tests.", limits="Everything else.", licence="Apache-2.0", source="made here",
        weights="weights.safetensors", sha256=hashlib.sha256(WEIGHTS).hexdigest(), trained_on="phantoms",
    )  # fmt: skip
    (place / "card.json").write_text(card.model_copy(update=changes).model_dump_json())
    if content is not None:
        (place / "weights.safetensors").write_bytes(content)
    return place


def test_the_finder_is_always_there(tmp_path: Path) -> None:
    assert [model.card for model in list_models(tmp_path / "nothing here")] == [FINDER]


def test_a_model_folder_is_listed_and_found(tmp_path: Path) -> None:
    place = add_model(tmp_path)
    assert [model.id for model in list_models(tmp_path)] == ["finder", "tiny"]
    assert find_model("tiny", tmp_path).folder == place


@pytest.mark.parametrize(
    ("content", "changes", "problem"),
    [
        (b"other weights", {}, "checksum differs"),
        (None, {}, "are missing"),
        (WEIGHTS, {"weights": ""}, "names no weights"),
        (WEIGHTS, {"weights": "../tiny/weights.safetensors"}, "are missing"),
        (WEIGHTS, {"id": "../evil"}, "wrong at id"),
        (WEIGHTS, {"id": "other"}, "that of other"),
    ],
)
def test_a_broken_model_is_listed_with_the_reason_and_refused(
    tmp_path: Path, content: bytes | None, changes: dict[str, object], problem: str
) -> None:
    add_model(tmp_path, content=content, **changes)
    model = list_models(tmp_path)[1]
    assert not model.usable
    assert problem in model.problem
    with pytest.raises(InputError, match="cannot be used"):
        find_model(model.id, tmp_path)


def test_no_folder_takes_the_place_of_the_finder(tmp_path: Path) -> None:
    add_model(tmp_path, "finder")
    assert [model.usable for model in list_models(tmp_path)] == [True, False]
    assert find_model("finder", tmp_path).card == FINDER


@pytest.mark.parametrize(("card", "problem"), [(None, "no card.json"), ("{", "wrong at"), ("[]", "wrong at")])
def test_a_folder_without_a_readable_card_is_listed(tmp_path: Path, card: str | None, problem: str) -> None:
    (tmp_path / "junk").mkdir()
    if card is not None:
        (tmp_path / "junk" / "card.json").write_text(card)
    assert problem in list_models(tmp_path)[1].problem


def test_an_unknown_model_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="finder"):
        find_model("R-Super", tmp_path)


def test_the_folder_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSUPER_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "models"


def test_selfcheck_answers_where_the_models_cannot_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RSUPER_HOME", "/" + "x" * 300)  # longer than a name may be: fails for every user
    assert main(["selfcheck", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert "cannot be read" in models["unknown"]
