"""The schedule, the validation's figures, events and curves, one by one."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from training_cases import toy_lists, toy_settings

from RSuperLib.training import CaseLists, Loader, Objective
from RSuperLib.training.augment import change_intensity
from RSuperLib.training.batch import make_batch
from RSuperLib.training.classes import output_classes
from RSuperLib.training.curves import draw_curves
from RSuperLib.training.events import EventWriter, crc32c
from RSuperLib.training.objective import grown
from RSuperLib.training.schedule import average_weight, learning_rate_factor, step_factor
from RSuperLib.training.settings import IntensitySettings
from RSuperLib.training.validation import case_score, summarise, windows


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, list[float]]]:
    """Tables of the published code."""
    root = os.environ.get("RSUPER_DATA")
    path = Path(root or "") / "golden" / "unit_tables.json"
    if not root or not path.is_file():
        pytest.skip("RSUPER_DATA is not set, or holds no golden/unit_tables.json: nothing to compare with")
    tables: dict[str, dict[str, list[float]]] = json.loads(path.read_text())
    return tables


@pytest.mark.data
def test_the_learning_rate_is_the_published_one(published: dict[str, dict[str, list[float]]]) -> None:
    rates = published["lr_per_epoch"]["epochs100_warmup5_lr0.0001"]
    assert [1e-4 * learning_rate_factor(epoch) for epoch in range(len(rates))] == pytest.approx(rates, rel=1e-4)


@pytest.mark.data
def test_the_moving_average_is_the_published_one(published: dict[str, dict[str, list[float]]]) -> None:
    for step, weight in published["ema_alpha_at_step"].items():
        assert average_weight(int(step)) == pytest.approx(weight)


def test_the_learning_rate_rises_and_falls() -> None:
    factors = [step_factor(step, 1000) for step in range(1000)]
    assert max(factors) == factors[50] == 1
    assert factors[:51] == sorted(factors[:51])
    assert factors[50:] == sorted(factors[50:], reverse=True)
    assert 0 < factors[-1] < 0.01
    assert len({step_factor(step, 1000, by_epoch=True) for step in range(1000)}) == 100


# validation


def rows(scores: list[float], truth: list[bool | None], dice: float | None = None) -> list[dict[str, object]]:
    return [
        {"case": str(number), "class": "liver_lesion", "score": score, "truth": true, "dice": dice}
        for number, (score, true) in enumerate(zip(scores, truth, strict=True))
    ]


def test_figures_of_a_table_by_hand() -> None:
    # calling everything above 6 gives 2 of 3 lesions and no false one: F1 = 4 / 5; above 1: 3 of 3, one false: 6 / 7
    found = summarise(rows([8, 7, 2, 3, 0, 0], [True, True, True, False, False, False]))
    assert found.figures["f1"] == pytest.approx(6 / 7)
    assert found.figures["auc"] == pytest.approx(8 / 9)
    assert found.figures["sensitivity"] == 1
    assert found.figures["specificity"] == pytest.approx(2 / 3)
    assert found.thresholds["liver_lesion"] == pytest.approx(1)


def test_what_is_not_known_is_not_counted() -> None:
    known = summarise(rows([8, 0], [True, False]))
    assert summarise(rows([8, 0, 9, 9], [True, False, None, None])).figures == known.figures


def test_without_a_positive_case_there_is_no_f1() -> None:
    found = summarise(rows([1, 0], [False, False]))
    assert found.figures == {}
    assert found.score == (0.0, 0.0, 0.0)


def test_a_case_counts_by_its_largest_component() -> None:
    probability = np.zeros((8, 8, 8), np.float32)
    probability[0, 0, :3] = 0.9
    probability[4:6, 4:6, 4:6] = 0.75
    probability[7, 7, 7] = 0.5
    assert case_score(probability, 2.0) == pytest.approx(8 * 2 * 0.75)
    assert case_score(np.zeros((4, 4, 4), np.float32), 1.0) == 0


@pytest.mark.parametrize(("shape", "overlap"), [((16, 16, 16), 0.25), ((17, 40, 33), 0.25), ((32, 32, 32), 0.0)])
def test_windows_cover_everything_once_at_least(shape: tuple[int, int, int], overlap: float) -> None:
    count = np.zeros(shape, int)
    for window in windows(shape, (16, 16, 16), overlap):
        assert count[window].shape == (16, 16, 16)
        count[window] += 1
    assert count.min() == 1
    assert len(windows((32, 32, 32), (16, 16, 16), 0.0)) == 8


# what the network sees


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> CaseLists:
    return toy_lists(tmp_path_factory.mktemp("prepared"))


def test_grey_values_change_by_the_seed_alone() -> None:
    image = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (3, 1, 12, 12, 12)).astype(np.float32))
    settings = IntensitySettings(share=1.0)
    one, same, other = (change_intensity(image, settings, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.isfinite(one).all()
    assert torch.equal(change_intensity(image, IntensitySettings(share=0.0), np.random.default_rng(1)), image)


def test_unknown_voxels_grow_by_a_ball_of_two_and_a_half_voxels() -> None:
    unknown = torch.zeros(1, 1, 9, 9, 9, dtype=torch.bool)
    unknown[0, 0, 4, 4, 4] = unknown[0, 0, 0, 0, 0] = True
    offsets = np.stack(np.indices((9, 9, 9)), -1)
    ball = (np.linalg.norm(offsets - 4, axis=-1) <= 2.5) | (np.linalg.norm(offsets, axis=-1) <= 2.5)
    assert (grown(unknown)[0, 0].numpy() == ball).all()


def test_unknown_voxels_teach_nothing(lists: CaseLists) -> None:
    """The gradient of the voxel loss is 0 in a part that holds a lesion, and near it."""
    settings = toy_settings(stages=[{"steps": 9, "reports": True}], crop={"patch": (24, 24, 24)})
    classes = output_classes(settings.classes)
    for step in Loader(lists, settings, (24, 24, 24)).steps(0, 4):
        batch = make_batch(step.samples, (24, 24, 24), settings.normalisation, torch.device("cpu"))
        logits = torch.zeros(2, 2, 24, 24, 24, requires_grad=True)
        terms = Objective(settings.loss, classes)([logits], batch, 0.0)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        unknown = batch.unknown[:, 0]
        if unknown.any():
            assert (logits.grad[:, 0][unknown] == 0).all()
            assert (logits.grad[:, 1][unknown] != 0).any()
            return
    pytest.fail("no patch held an unknown part")


def test_dice_of_the_batch_is_that_of_its_patches_side_by_side(lists: CaseLists) -> None:
    settings = toy_settings()
    batch = make_batch(
        next(Loader(lists, settings, (16, 16, 16)).steps(0, 1)).samples, (16, 16, 16), settings.normalisation,
        torch.device("cpu"),
    )  # fmt: skip
    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 2, batch.labels.shape).astype(np.float32))

    def terms(loss: dict[str, object], images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        chosen = replace(batch, labels=labels, unknown=torch.zeros_like(labels))
        return Objective(toy_settings(loss=loss).loss, output_classes(settings.classes))([images], chosen, 0.0)

    def joined(tensor: torch.Tensor) -> torch.Tensor:
        return torch.cat(list(tensor), 1)[None]

    whole = terms({}, logits, batch.labels)
    side_by_side = terms({"batch_dice": False}, joined(logits), joined(batch.labels))
    apart = terms({"batch_dice": False}, logits, batch.labels)
    assert float(whole["final_dice"]) == pytest.approx(float(side_by_side["final_dice"]), rel=1e-5)
    assert float(whole["final_bce"]) == pytest.approx(float(apart["final_bce"]), rel=1e-5)
    assert float(whole["final_dice"]) != pytest.approx(float(apart["final_dice"]), rel=1e-5)


def test_reports_teach_where_voxels_do_not(lists: CaseLists) -> None:
    settings = toy_settings(stages=[{"steps": 9, "reports": True}], crop={"patch": (24, 24, 24), "plain_share": 0.0})
    classes = output_classes(settings.classes)
    for step in Loader(lists, settings, (24, 24, 24)).steps(0, 6):
        batch = make_batch(step.samples, (24, 24, 24), settings.normalisation, torch.device("cpu"))
        if not any(batch.targets):
            continue
        random = np.random.default_rng(0).normal(-2, 1, (2, 2, 24, 24, 24))
        logits = torch.tensor(random, dtype=torch.float32, requires_grad=True)
        Objective(settings.loss, classes)([logits, logits], batch, 1.0)["loss"].backward()
        assert logits.grad is not None
        assert (logits.grad[:, 0][batch.unknown[:, 0]] != 0).any()
        return
    pytest.fail("no patch held a target")


# what a run tells


def test_crc32c_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_event_files_are_tfrecords_of_scalars(tmp_path: Path) -> None:
    EventWriter(tmp_path).add(300, {"train/loss": 0.5})
    content = next(tmp_path.iterdir()).read_bytes()
    events = []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        assert unmasked(content[8:12]) == crc32c(content[:8])
        events.append(content[12 : 12 + length])
        assert unmasked(content[12 + length : 16 + length]) == crc32c(events[-1])
        content = content[16 + length :]
    assert events[0].endswith(b"brain.Event:2")
    # wall_time, step 300 as a varint, then summary { value { tag: "train/loss" simple_value: 0.5 } }
    assert events[1][9:] == b"\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15" + struct.pack("<f", 0.5)


def unmasked(stored: bytes) -> int:
    rotated = (struct.unpack("<I", stored)[0] - 0xA282EAD8) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def test_curves_of_nothing_and_of_something(tmp_path: Path) -> None:
    draw_curves([], tmp_path / "none.png")
    lines = [{"kind": "train", "step": step, "loss": 1 / (step + 1)} for step in range(5)]
    draw_curves([*lines, {"kind": "validation", "step": 4, "f1": 0.5}], tmp_path / "some.png")
    none, some = imread(tmp_path / "none.png"), imread(tmp_path / "some.png")
    assert none.shape == some.shape
    assert (none != some).any()
