"""The training loop: stopped, killed, resumed, starved of disk and memory, fed nonsense."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_cases import toy_geometry, toy_lists, toy_settings, toy_source

from RSuperLib import cli
from RSuperLib.io import Cancelled, InputError, RSuperError
from RSuperLib.networks import build_network
from RSuperLib.training import CaseLists, Objective, RunFolder, Trainer, TrainSettings, Validation, adopt, prepare_cases
from RSuperLib.training.batch import Batch
from RSuperLib.training.checkpoint import Checkpoints, read_tensors, write_tensors
from RSuperLib.training.classes import output_classes
from RSuperLib.training.journal import Journal, read_metrics
from RSuperLib.training.warm_start import load_matching

STAGES = [{"steps": 6, "learning_rate": 1e-2}, {"steps": 6, "learning_rate": 1e-2, "reports": True}]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> CaseLists:
    return toy_lists(tmp_path_factory.mktemp("prepared"))


def trainer(folder: Path, lists: CaseLists, **changes: Any) -> Trainer:
    settings = toy_settings(**({"stages": STAGES} | changes))
    run = RunFolder(folder)
    run.begin(settings)
    return Trainer(settings, lists, run)


def last_weights(folder: Path) -> dict[str, Tensor]:
    return read_tensors(folder / "last.safetensors")[0]


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_metrics(folder) if row["kind"] == "train"]


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def stop_at(step: int, steps: int = 12) -> Any:
    def progress(_stage: str, fraction: float) -> None:
        if round(fraction * steps) == step:
            raise Cancelled

    return progress


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, lists: CaseLists) -> Path:
    folder = tmp_path_factory.mktemp("run") / "undisturbed"
    trainer(folder, lists).train()
    return folder


def test_a_run_leaves_what_it_promises(undisturbed: Path) -> None:
    names = {path.name for path in undisturbed.iterdir()}
    assert names >= {"settings.json", "plan.json", "metrics.jsonl", "heartbeat.json", "result.json", "curves.png"}
    assert json.loads((undisturbed / "heartbeat.json").read_text())["state"] == "done"
    assert len(list((undisturbed / "events").iterdir())) == 1
    assert [step for step, _ in losses(undisturbed)] == [6, 10, 12]
    terms = [row for row in read_metrics(undisturbed) if row["kind"] == "train"]
    assert "ball_bce" not in terms[0]
    assert {"ball_bce", "ball_dice", "volume"} <= set(terms[-1])


@pytest.mark.parametrize("step", [3, 6, 8])
def test_stopped_and_resumed_is_the_same_to_the_last_bit(
    step: int, undisturbed: Path, lists: CaseLists, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        trainer(tmp_path / "run", lists).train(stop_at(step))
    assert json.loads((tmp_path / "run" / "heartbeat.json").read_text())["state"] == "cancelled"
    torch.manual_seed(99)  # what another process would have drawn
    trainer(tmp_path / "run", lists).train()
    assert same(last_weights(tmp_path / "run"), last_weights(undisturbed))
    assert losses(tmp_path / "run") == losses(undisturbed)


def test_a_truncated_checkpoint_falls_back_to_the_one_before(
    undisturbed: Path, lists: CaseLists, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(Cancelled):
        trainer(run, lists, checkpoint_seconds=0).train(stop_at(7))
    first, second = sorted((run / "checkpoints").iterdir())
    second.write_bytes(second.read_bytes()[:-100])
    trainer(run, lists, checkpoint_seconds=0).train()
    notes = [row["text"] for row in read_metrics(run) if row["kind"] == "note"]
    assert any("damaged" in text for text in notes)
    assert f"Resumed at step {int(first.stem.split('-')[1])}." in notes
    assert same(last_weights(run), last_weights(undisturbed))


def test_the_file_stop_ends_a_run_that_can_go_on(lists: CaseLists, tmp_path: Path, capsys: Any) -> None:
    run = trainer(tmp_path / "run", lists)
    assert cli.main(["train", "--stop", str(tmp_path / "run")]) == 0
    with pytest.raises(Cancelled):
        run.train()
    assert trainer(tmp_path / "run", lists).train()["ended_by"] == "steps"
    assert "next step" in capsys.readouterr().out


class Diverging(Objective):
    """The usual loss until step 4, then no number."""

    calls = 0

    def __call__(self, heads: Sequence[Tensor], batch: Batch, report_weight: float) -> dict[str, Tensor]:
        self.calls += 1
        terms = super().__call__(heads, batch, report_weight)
        return terms | {"loss": terms["loss"] * float("nan")} if self.calls > 4 else terms


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(lists: CaseLists, tmp_path: Path) -> None:
    settings = toy_settings(checkpoint_seconds=0)
    run = RunFolder(tmp_path)
    run.begin(settings)
    objective = Diverging(settings.loss, output_classes(settings.classes))
    with pytest.raises(RSuperError, match="stopped being a number"):
        Trainer(settings, lists, run, objective=objective).train()
    found = run.checkpoints.read_last()
    assert found is not None
    tensors, facts, _ = found
    assert facts["step"] == 4
    assert all(bool(torch.isfinite(one).all()) for one in tensors.values() if one.is_floating_point())
    assert json.loads((tmp_path / "heartbeat.json").read_text())["state"] == "failed"


def test_a_changed_checkpoint_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_tensors(path, {"weights": torch.arange(100.0)}, {})
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="checksum"):
        read_tensors(path)


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    for step in range(5):
        kept.write(step, {"weights": torch.zeros(3)}, {})
    assert [path.name[-13:-12] for path in sorted(tmp_path.iterdir())] == ["3", "4"]


def test_another_setting_or_a_complete_run_is_refused(undisturbed: Path, lists: CaseLists, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is complete"):
        trainer(undisturbed, lists)
    with pytest.raises(Cancelled):
        trainer(tmp_path / "run", lists).train(stop_at(1))
    with pytest.raises(InputError, match="another seed"):
        trainer(tmp_path / "run", lists, seed=5)


def test_gradients_add_up_over_pieces(lists: CaseLists, tmp_path: Path) -> None:
    """The voxel loss is a mean over the batch but for Dice, whose adaptive weights see one piece at a time."""
    whole = trainer(tmp_path / "whole", lists, batch=2, stages=[{"steps": 1}]).train()
    pieces = trainer(
        tmp_path / "pieces", lists, batch=2, stages=[{"steps": 1}],
        machine={"device": "cpu", "threads": 1, "micro_batch": 1},
    )  # fmt: skip
    assert pieces.plan.micro_batch == 1
    assert pieces.train()["steps"] == whole["steps"]
    (_, one), (_, other) = losses(tmp_path / "whole")[0], losses(tmp_path / "pieces")[0]
    assert other == pytest.approx(one, rel=0.2)


class Scripted:
    """Held-out scores one after the other, to see which weights are kept."""

    def __init__(self, scores: Sequence[float]) -> None:
        self.scores = list(scores)

    def __call__(self, network: torch.nn.Module) -> Validation:
        assert not network.training
        score = self.scores.pop(0)
        return Validation((score,), {"f1": score})


def test_the_best_weights_stay_and_patience_ends(lists: CaseLists, tmp_path: Path) -> None:
    settings = toy_settings(stages=[{"steps": 20}], validation={"every": 2, "patience": 2})
    run = RunFolder(tmp_path)
    run.begin(settings)
    result = Trainer(settings, lists, run, Scripted([0.2, 0.6, 0.6, 0.5, 0.9])).train()
    assert result["ended_by"] == "patience"
    assert result["score"] == [0.6]
    assert read_tensors(tmp_path / "best.safetensors")[1]["step"] == 4
    assert result["steps"] == 8


def test_held_out_cases_are_looked_at(lists: CaseLists, tmp_path: Path) -> None:
    settings = toy_settings(stages=[{"steps": 2}])
    held_out = prepare_cases([toy_source(20), toy_source(21)], tmp_path / "prepared", toy_geometry())
    run = RunFolder(tmp_path / "run")
    run.begin(settings)
    Trainer(settings, lists, run, held_out).train()
    (row,) = [row for row in read_metrics(tmp_path / "run") if row["kind"] == "validation"]
    assert 0 <= row["auc"] <= 1


def test_adopting_makes_a_new_model_and_never_replaces_one(undisturbed: Path, tmp_path: Path) -> None:
    card = adopt(undisturbed, "toy-1", "phantoms", "CC0-1.0", tmp_path)
    assert card["classes"] == ["liver_lesion", "liver"]
    assert card["covers"] == ["liver"]
    before = (tmp_path / "toy-1" / "card.json").read_bytes()
    with pytest.raises(InputError, match="already"):
        adopt(undisturbed, "toy-1", "patients", "CC0-1.0", tmp_path)
    assert (tmp_path / "toy-1" / "card.json").read_bytes() == before


def test_training_starts_from_other_weights(undisturbed: Path, lists: CaseLists, tmp_path: Path) -> None:
    network = {"name": "unet", "options": {"channels": [4, 8]}, "start_from": str(undisturbed / "last.safetensors")}
    warm = trainer(tmp_path / "run", lists, network=network, stages=[{"steps": 1, "learning_rate": 1e-9}])
    warm.train()
    before, after = last_weights(undisturbed), last_weights(tmp_path / "run")
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)


def test_other_classes_take_the_rows_of_theirs(undisturbed: Path) -> None:
    settings = toy_settings(classes=["liver", "kidney_lesion", "liver_lesion"])
    network = build_network("unet", 3, settings.network.options)
    fresh = network.state_dict()["final.bias"].clone()
    load_matching(network, undisturbed / "last.safetensors", settings.network, settings.classes)
    old, new = last_weights(undisturbed)["final.bias"], network.state_dict()["final.bias"]
    assert new.tolist() == [old[1], fresh[1], old[0]]


def test_weights_of_another_network_are_refused(undisturbed: Path) -> None:
    settings = toy_settings(network={"name": "unet", "options": {"channels": [16, 32]}})
    network = build_network("unet", 2, settings.network.options)
    with pytest.raises(InputError, match="% of the weights"):
        load_matching(network, undisturbed / "last.safetensors", settings.network, settings.classes)


@pytest.mark.parametrize("mode", ["rsuper", "reference"])
def test_both_modes_train_on_reports(mode: str, lists: CaseLists, tmp_path: Path) -> None:
    stages = [{"steps": 2, "reports": True, "report_weight": 1.0}]
    changes = {"loss": {"mode": mode}, "crop": {"patch": (24, 24, 24)}, "spacing_mm": (2.0, 2.0, 2.0)}
    result = trainer(tmp_path, lists, stages=stages, **changes).train()
    assert result["steps"] == 2
    assert all(row["ball_bce"] >= 0 for row in read_metrics(tmp_path) if row["kind"] == "train")


def test_a_line_that_was_cut_off_is_taken_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0)
    for step in (10, 20, 30):
        journal.add("train", step, {"loss": 1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "tra')
    assert [row["step"] for row in read_metrics(tmp_path)] == [10, 20, 30]
    Journal(tmp_path, 20)
    assert [row["step"] for row in read_metrics(tmp_path)] == [10, 20]


def test_the_settings_file_says_what_is_wrong(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"classes": ["liver_lesion"], "stages": [{"steps": 0}]}))
    assert cli.main(["train", str(path), "--estimate"]) == 2
    assert "stages.0.steps" in capsys.readouterr().err


def test_the_command_estimates_trains_and_goes_on(tmp_path: Path, capsys: Any) -> None:
    settings = toy_settings(stages=[{"steps": 1}]).model_dump(mode="json")
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings))
    assert cli.main(["train", str(path), "--estimate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["micro_batch"] == 2
    assert cli.main(["train", str(path), "--out", str(tmp_path / "run")]) == 2
    assert "no cases to train on" in capsys.readouterr().err
    assert TrainSettings.model_validate(json.loads((tmp_path / "run" / "settings.json").read_text())).steps == 1
