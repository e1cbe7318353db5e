"""The published values, recomputed: every loss, gradient, voxel set, table and target."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from RSuperLib.bench import golden
from RSuperLib.bench.golden_networks import medformer_forward
from RSuperLib.cli import main
from RSuperLib.io import InputError

TABLES = ("unit_tables", "report_targets", "medformer_keys")
#: Ranking of near ties in the published float32 differs from any other.
NEAR_TIES = "bigger_than_segment"
#: Inputs and prose, not results.
NOT_RESULTS = {"note", "message"}


@pytest.fixture(scope="module")
def folder() -> Path:
    root = os.environ.get("RSUPER_DATA")
    if not root or not (Path(root) / "golden").is_dir():
        pytest.skip("RSUPER_DATA is not set, or its folder has no golden/: no published values to compare with")
    return Path(root) / "golden"


@pytest.fixture(scope="module")
def ours(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All but the network's forward pass, which takes a minute."""
    quick = tmp_path_factory.mktemp("golden")
    for name in ("loss_inputs.npz", "loss_values.json", *(f"{table}.json" for table in TABLES)):
        (quick / name).symlink_to(folder / name)
    return golden.run(quick)


def differences(ours: Any, theirs: Any, tolerance: float, path: str = "") -> list[str]:
    """Where a nested result is not the expected one; an expected error may be any error."""
    if isinstance(theirs, dict):
        found = []
        for key, value in theirs.items():
            inner = 1e-4 if key.startswith("grad") else tolerance
            if key not in NOT_RESULTS and key not in ours:
                found.append(f"{path}/{key} is missing")
            elif key not in NOT_RESULTS and "error" not in key:
                found += differences(ours[key], value, inner, f"{path}/{key}")
        return found
    if isinstance(theirs, list):
        if len(ours) != len(theirs):
            return [f"{path}: {len(ours)} values, not {len(theirs)}"]
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for i, pair in pairs for line in differences(*pair, tolerance, f"{path}/{i}")]
    same = ours == theirs
    if isinstance(theirs, float):
        same = abs(ours - theirs) <= tolerance * abs(theirs) + 1e-10
    return [] if same else [f"{path}: {ours}, not {theirs}"]


def test_losses_and_gradients_are_the_published_ones(folder: Path, ours: dict[str, Any]) -> None:
    expected = json.loads((folder / "loss_values.json").read_text())["cases"]
    for name, case in expected.items():
        assert not differences(ours["cases"][name], case, 1e-4 if name == NEAR_TIES else 1e-5, name)


def test_pseudo_masks_are_the_published_ones_to_the_voxel(folder: Path, ours: dict[str, Any]) -> None:
    with np.load(folder / "loss_inputs.npz") as arrays:
        packed = {name: arrays[name] for name in arrays.files if "__pseudo_" in name}
    assert packed
    for name, bits in packed.items():
        case, _, which = name.partition("__")
        assert ours["cases"][case][which] == hashlib.sha256(bits.tobytes()).hexdigest(), name


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_the_published_ones(folder: Path, ours: dict[str, Any], table: str) -> None:
    expected = json.loads((folder / f"{table}.json").read_text())
    computed = {name: value for name, value in expected.items() if name in ours[table]}
    assert len(computed) == {"unit_tables": 8, "report_targets": 3, "medformer_keys": 8}[table]
    assert not differences(ours[table], computed, 1e-5, table)


def test_a_segment_without_a_volume_is_an_error_only_in_the_whole_objective(ours: dict[str, Any]) -> None:
    case = ours["cases"]["unknown_size"]
    assert case["whole"]["error"] == "InputError"
    assert case["ball_loss"]["dice"] == 1.0


def made_up(folder: Path, **changes: Any) -> Path:
    """A folder with one case of 12 voxels edge in the published layout, and no expected values."""
    rng = np.random.default_rng(0)
    edge, shape = 12, (4, 12, 12, 12)
    segment = np.zeros(shape, np.uint8)
    segment[3, 3:9, 3:9, 3:9] = 1
    arrays = {
        "tie_break": np.stack([rng.permutation(edge**3).reshape(shape[1:]) for _ in range(4)]).astype(np.uint16),
        "one__base8": rng.integers(-30, 10, shape).astype(np.int8),
        "one__label": np.packbits(np.zeros(shape, np.uint8)),
        "one__mask": np.packbits(segment),
        "one__unk": np.packbits(segment),
        "one__volumes": np.array([33.5] + [0.0] * 9, np.float32),
        "one__diameters": np.array([[4.0] * 3] + [[0.0] * 3] * 9, np.float32),
    } | changes
    np.savez(folder / "loss_inputs.npz", **{name: value for name, value in arrays.items() if value is not None})
    return folder


def test_the_command_needs_nothing_but_the_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "golden", str(made_up(tmp_path)), "--json"]) == 0
    case = json.loads(capsys.readouterr().out)["cases"]["one"]
    assert case["isolate"][0]["ball_voxels"] == 81
    assert len(case["pseudo_small"]) == 64
    assert case["whole"]["overall"] == pytest.approx(
        sum(case["whole"][name] for name in ("segmentation", "ball_loss_bce", "ball_loss_dice", "dice_volume_loss")),
        rel=1e-6,
    )


def test_what_the_published_method_refuses_is_an_error_of_that_section(tmp_path: Path) -> None:
    diameters = np.zeros((10, 3), np.float32)
    case = golden.run(made_up(tmp_path, one__diameters=diameters))["cases"]["one"]
    assert case["ball_loss"]["error"] == "InputError"
    assert case["volume_loss_tol0.1"]["loss"] > 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"one__mask": None}, "lacks mask"),
        ({"one__base8": np.zeros((4, 3, 3, 3), np.int8)}, "another shape"),
        ({"tie_break": None}, "lacks tie_break"),
    ],
)
def test_broken_inputs_are_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        golden.run(made_up(tmp_path, **changes))


def test_a_folder_without_published_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no published values"):
        golden.run(tmp_path)
    (tmp_path / "unit_tables.json").write_text("[1")
    with pytest.raises(InputError, match="is no JSON file"):
        golden.run(tmp_path)


def test_tables_are_computed_from_their_inputs_alone(tmp_path: Path) -> None:
    """Rows of report_targets without answers, and cases that are not among the published ones."""
    rows = {"cases": {"mine": {"rows": [["pancreas", "body", "12.0 x 6.0"], ["liver", "segment 8", "9.0"]]}}}
    (tmp_path / "report_targets.json").write_text(json.dumps(rows))
    units = {"ema_alpha_at_step": {"3": None}, "dilation_single_voxel": [{"kernel_size": 3}]}
    (tmp_path / "unit_tables.json").write_text(json.dumps(units))
    result = golden.run(tmp_path)
    case = result["report_targets"]["cases"]["mine"]
    assert case["crop_options"] == [["body"], ["segment 8"]]
    assert case["unknown_voxels_per_channel"] == {"pancreatic_lesion": 9, "liver_lesion": 252}
    assert case["per_option"][0]["volumes"] == [pytest.approx(np.pi / 6 * 12 * 6 * 9)]
    assert result["unit_tables"]["ema_alpha_at_step"] == {"3": 0.75}
    assert result["unit_tables"]["dilation_single_voxel"][0]["voxels"] == 19


def test_the_network_is_probed_where_it_is_asked() -> None:
    probes = [{"channel": 1, "zyx": [0, 1, 2]}]
    run = {"input_shape": [1, 1, 32, 16, 16], "heads": [{"head": "aux", "probes": probes}]}
    result = medformer_forward({"num_classes": 2, "runs": [run]})["runs"][0]
    final, auxiliary = result["heads"]
    assert (final["stats"]["shape"], final["probes"]) == ([1, 2, 32, 16, 16], [])
    assert auxiliary["probes"][0]["zyx"] == [0, 1, 2]
    assert abs(auxiliary["probes"][0]["value"]) <= auxiliary["stats"]["max"] - auxiliary["stats"]["min"]
    assert result["features"]["up4"]["map"] == result["features"]["up2"]["map"]
    assert result["grad_probe"]["total_grad_l2"] > 0
    assert result["float64_vs_float32"][0]["rel_l2"] > 0


def test_digests_are_those_of_packed_bits() -> None:
    from RSuperLib.bench.golden_losses import mask_digest

    mask = torch.zeros(2, 5, dtype=torch.bool)
    mask[0, 0] = mask[1, 4] = True
    assert mask_digest(mask) == hashlib.sha256(bytes([0b10000000, 0b01000000])).hexdigest()
