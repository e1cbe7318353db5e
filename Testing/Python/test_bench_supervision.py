"""The experiment on supervision, tiny: its cases, two arms from end to end, its statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_cases import toy_reading

from RSuperLib import cli
from RSuperLib.bench.supervision.arms import ARMS
from RSuperLib.bench.supervision.cases import CasePool, permuted, source, split
from RSuperLib.bench.supervision.config import Config, read_config
from RSuperLib.bench.supervision.learning import Learning
from RSuperLib.bench.supervision.run import run
from RSuperLib.bench.supervision.summary import summarise
from RSuperLib.io import Grid, InputError, LabelMap, Volume
from RSuperLib.phantom import Phantom, write_phantom
from RSuperLib.training import folder_case
from RSuperLib.training.objective import Objective
from RSuperLib.training.prepared import read_record

CONFIG = {
    "organ": "pancreas", "masks": 2, "reports": 2, "validation": 2, "test": 2, "first_seed": 40, "spacing_mm": 5.0,
    "margin_mm": 8.0, "patch": [24, 24, 32], "channels": [4, 8], "batch": 2, "report_weight": 0.1, "threads": 1,
    "stages": [{"steps": 3, "learning_rate": 0.01}, {"steps": 3, "learning_rate": 0.01}],
    "difficulties": {"main": {"contrast": 1.0, "arms": ["c", "h"], "seeds": [0]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def config() -> Config:
    return Config.model_validate(CONFIG)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds all cases but one already: toy ones, as phantoms take seconds."""
    folder = tmp_path_factory.mktemp("work")
    for seed in (40, 41, 42, 43, 100_040, 100_041, 200_041):
        write_phantom(toy_phantom(1, lesion=seed % 2 == 0), folder / "cases" / "pancreas-1" / f"case_{seed:07d}")
    return folder


@pytest.fixture(scope="module")
def pool(config: Config, work: Path) -> CasePool:
    return CasePool(config, 1.0, work / "cases")


def toy_phantom(direction: int, lesion: bool) -> Phantom:
    """A box of pancreas, with a bright lesion or without, on a grid whose second axis is craniocaudal, either way."""
    shape = (30, 24, 28)
    affine = np.array([[0, 0, 3.0, -40], [2.0, 0, 0, 10], [0, direction * 4.0, 0, -300], [0, 0, 0, 1]])
    grid, parts, lesions = Grid(shape, affine), np.zeros(shape, np.uint8), np.zeros(shape, np.uint16)
    parts[10:20, 7:14, 9:20] = 32
    ct = np.random.default_rng(0).normal(60, 5, shape).astype(np.int16)
    ct[0] = -1000
    if lesion:
        lesions[12:17, 8:11, 10:14] = 1
        ct[lesions == 1] += 100
    reading = toy_reading([12.0] if lesion else None).model_dump(mode="json")
    for row in (*reading["findings"], *reading["organs"]):
        row["organ"] = "pancreas"
    truth = {"lesions": [{"label": 1, "organ": "pancreas"}] if lesion else [], "findings": reading["findings"],
             "organs": reading["organs"]}  # fmt: skip
    return Phantom(Volume(ct, grid), LabelMap(parts, grid, {32: "pancreas_head"}), LabelMap(lesions, grid), "", truth)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_cut_case_keeps_organ_lesions_and_places(direction: int, config: Config, tmp_path: Path) -> None:
    write_phantom(toy_phantom(direction, lesion=True), tmp_path / "case")
    whole, cut = folder_case(tmp_path / "case", "truth").load(), source(tmp_path / "case", "truth", config).load()
    assert cut.ct.array.shape == (18, 11, 17)  # 8 mm are 4, 2 and 3 voxels, on both sides
    for voxel in ((0, 0, 0), (17, 10, 16), (5, 3, 9)):
        there = tuple(np.rint(whole.ct.grid.to_index(cut.ct.grid.to_world(np.array(voxel)))).astype(int))
        assert whole.ct.array[there] == cut.ct.array[voxel]
    assert whole.annotation is not None
    assert cut.annotation is not None
    assert np.count_nonzero(cut.annotation.lesions.array) == np.count_nonzero(whole.annotation.lesions.array)
    regions = [one.parts.region(["pancreas_head"]) for one in (whole, cut)]
    assert regions[0] is not None
    assert regions[1] is not None
    assert regions[0].sum() == regions[1].sum()


@pytest.mark.parametrize(("direction", "above"), [(1, 24 - 16), (-1, 5)])
def test_image_numbers_count_the_slices_that_are_left(
    direction: int, above: int, config: Config, tmp_path: Path
) -> None:
    phantom = toy_phantom(direction, lesion=True)
    phantom.truth["findings"][0]["image"] = 12
    write_phantom(phantom, tmp_path / "case")
    cut = source(tmp_path / "case", "truth", config).load()
    assert cut.reading is not None
    assert cut.reading.lesions[0].image == 12 - above


def test_the_split_is_balanced_and_depends_on_the_seed(tmp_path: Path) -> None:
    cases = [tmp_path / f"{number:03d}" for number in range(30)]
    few, others = split(cases, 10, 0)
    assert len(few) == 10
    assert sum(int(path.name) % 2 for path in few) == 5
    assert sorted([*few, *others]) == cases
    assert split(cases, 10, 0) == (few, others)
    assert split(cases, 10, 1)[0] != few


def test_the_permutation_gives_every_case_another_report(tmp_path: Path) -> None:
    cases = [tmp_path / f"{number:03d}" for number in range(20)]
    pairs = permuted(cases, 0)
    assert sorted(one for one, _ in pairs) == cases
    assert sorted(other for _, other in pairs) == cases
    assert all(one != other for one, other in pairs)
    with pytest.raises(InputError, match="One report"):
        permuted(cases[:1], 0)


def test_permuted_reports_reach_the_training(config: Config, pool: CasePool, work: Path) -> None:
    _, others = split(pool.teaching(), config.masks, 0)
    own = Learning(config, ARMS["c"], 0, pool, work)._reports(others)
    exchanged = Learning(config, ARMS["g"], 0, pool, work)._reports(others)
    truth = {path.name: source(path, "truth", config).load().reading for path in others}
    assert len({str(reading) for reading in truth.values()}) == 2
    by_case = {path.name: read_record(path) for path in own}
    for path in exchanged:
        record, (image, report) = read_record(path), path.name.split("_as_")
        assert image != report
        assert record.lesions_by_mask == by_case[image].lesions_by_mask
        assert record.lesions_by_report == by_case[report].lesions_by_report


@pytest.fixture(scope="module")
def results(config: Config, work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    (folder / "config.json").write_text(config.model_dump_json())
    told = cli.main(["bench", "supervision", "--config", str(folder / "config.json"), "--work", str(work)])
    assert told == 0
    return folder


def test_two_arms_from_end_to_end(results: Path, config: Config) -> None:
    for arm in ("c", "h"):
        unit = json.loads((results / "main" / f"{arm}-0.json").read_text())
        assert unit["config"] == config.fingerprint("main")
        assert len(unit["validation"]) == len(unit["test"]) == 2
        assert [case["truth"] for case in unit["test"]].count(True) == 1
        assert 0 <= unit["f1"] <= 1
    assert (results / "summary.png").stat().st_size > 5000
    readme = (results / "README.md").read_text()
    assert "| c | few masks and reports |" in readme
    assert "F1 c - h" in readme


def test_what_is_there_is_not_run_again(results: Path, work: Path) -> None:
    path = results / "main" / "c-0.json"
    stamp = path.stat().st_mtime_ns
    assert run(config=results / "config.json", work=work)["run"] == 0
    assert path.stat().st_mtime_ns == stamp
    changed = json.loads(path.read_text()) | {"config": "another"}
    path.write_text(json.dumps(changed))
    assert run(config=results / "config.json", work=work, summary=True) | {"f1": None} == {
        "run": 0, "missing": 1, "f1": None,
    }  # fmt: skip
    assert run(config=results / "config.json", work=work, units=1)["run"] == 1
    assert path.stat().st_mtime_ns > stamp


def test_self_training_sees_no_report_and_no_mask_of_the_others(results: Path, work: Path) -> None:
    pseudo = [read_record(path) for path in (work / "prepared").glob("pseudo-*/case_*")]
    assert len(pseudo) == 2
    for record in pseudo:
        assert not record.has_report
        assert not record.targets
        assert record.lesions_by_report == {}
    settings = [json.loads(path.read_text()) for path in (work / "runs").glob("*/settings.json")]
    with_reports = [one["stages"][0]["reports"] for one in settings]
    assert sorted(with_reports) == [False, False, True]  # the first stage, which both share, and the second of c


def test_without_units_there_is_no_summary(config: Config, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config.model_dump_json())
    assert run(config=tmp_path / "config.json", summary=True) == {"run": 0, "missing": 2, "f1": {}}
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_an_unknown_arm_is_refused(results: Path) -> None:
    with pytest.raises(InputError, match="no arm 'z'"):
        run(config=results / "config.json", arms=["z"])


@pytest.mark.parametrize("name", list(ARMS))
def test_every_arm_has_options_that_the_losses_take(name: str, config: Config, pool: CasePool, work: Path) -> None:
    learning = Learning(config, ARMS[name], 0, pool, work)
    for reports in (False, True):
        Objective(learning.settings(1, reports=reports, start_from=None).loss, [])


def test_options_of_reports_do_not_change_a_stage_without(config: Config, pool: CasePool, work: Path) -> None:
    plain, other = (Learning(config, ARMS[arm], 0, pool, work) for arm in ("c", "c_joint"))
    for reports in (False, True):
        both = [one.settings(0, reports=reports, start_from=None).loss for one in (plain, other)]
        assert (both[0] == both[1]) is not reports


def test_the_hash_follows_what_decides_a_unit() -> None:
    base = Config.model_validate(CONFIG)
    hard = {"main": {"contrast": 0.5, "arms": ["a"], "seeds": [0]}}
    more = {"main": {"contrast": 1.0, "arms": ["a", "c"], "seeds": [0, 1, 2]}}
    assert Config.model_validate(CONFIG | {"difficulties": more}).fingerprint("main") == base.fingerprint("main")
    assert Config.model_validate(CONFIG | {"difficulties": hard}).fingerprint("main") != base.fingerprint("main")
    assert Config.model_validate(CONFIG | {"test": 4}).fingerprint("main") != base.fingerprint("main")


def test_a_wrong_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"masks": 0}))
    with pytest.raises(InputError, match="masks"):
        read_config(tmp_path / "config.json")


def made_up_unit(arm: str, seed: int, right: float, cases: int = 200) -> dict[str, Any]:
    """A unit that is right about this share of the cases, the same ones for every share below."""
    order = np.random.default_rng(seed).permutation(cases)
    test = []
    for number in range(cases):
        truth, is_right = number % 2 == 0, bool(order[number] < right * cases)
        test.append({
            "case": f"case_{number}", "score": float(truth == is_right), "truth": truth, "lesions": int(truth),
            "hits": int(truth and is_right), "false": int(not truth and not is_right),
            "dice": 0.8 * is_right if truth else None,
        })  # fmt: skip
    return {"arm": arm, "seed": seed, "threshold_mm3": 0.5, "test": test, "f1": right, "auc": right, "seconds": 60}


def test_the_summary_pairs_cases_and_seeds() -> None:
    shares = {"a": 0.6, "c": 0.8, "d": 0.9}
    units = [made_up_unit(arm, seed, share) for arm, share in shares.items() for seed in range(3)]
    result = summarise(units)
    difference = result["f1_differences"]["c - a"]
    assert difference["value"] == pytest.approx(0.2, abs=0.04)
    assert difference["low"] > 0.1
    f1 = result["arms"]["c"]["f1"]
    assert f1["low"] < f1["value"] < f1["high"]
    assert f1["value"] == pytest.approx(0.8, abs=0.04)
    # the same cases and seeds are drawn for both arms: the difference varies less than two arms apart
    alone = [result["arms"][arm]["f1"] for arm in ("a", "c")]
    apart = sum((one["high"] - one["low"]) ** 2 for one in alone) ** 0.5
    assert difference["high"] - difference["low"] < apart
    assert result["recovered"]["value"] == pytest.approx(2 / 3, abs=0.1)
    assert summarise([*units, *(unit | {"arm": "g"} for unit in units[3:6])])["f1_differences"]["c - g"]["high"] == 0.0


def test_figures_of_a_made_up_unit_are_those_counted_by_hand() -> None:
    arm = summarise([made_up_unit("a", 0, 1.0, 10)])["arms"]["a"]
    assert [arm[name]["value"] for name in ("f1", "sensitivity", "specificity", "lesion_f1", "dice")] == [
        1,
        1,
        1,
        1,
        0.8,
    ]


def test_units_of_other_cases_are_refused() -> None:
    other = made_up_unit("c", 0, 0.5, 100)
    with pytest.raises(InputError, match="different cases"):
        summarise([made_up_unit("a", 0, 0.5), other])
