"""Training that is killed, runs out of disk, or is spread over processes; each in processes of its own.

RSUPER_KILLS says how often the trainer is killed (3; `make bench-faults`: 20).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_cases import toy_lists, toy_settings

from RSuperLib.training import CaseLists, RunFolder, Trainer
from RSuperLib.training.checkpoint import read_tensors
from RSuperLib.training.journal import read_metrics

HERE = str(Path(__file__).parent)
KILLS = int(os.environ.get("RSUPER_KILLS", "3"))

STAGES = [{"steps": 40, "learning_rate": 1e-2}, {"steps": 30, "learning_rate": 1e-2, "reports": True}]
TRAIN = (
    f"STAGES = {STAGES}"
    + """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from training_cases import toy_lists, toy_settings
from RSuperLib.training import RunFolder, Trainer
settings = toy_settings(stages=STAGES, checkpoint_seconds=0)
run = RunFolder(Path(sys.argv[2]))
run.begin(settings)
Trainer(settings, toy_lists(Path(sys.argv[3])), run).train()
"""
)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> CaseLists:
    return toy_lists(tmp_path_factory.mktemp("prepared"))


def start(run: Path, lists: CaseLists) -> subprocess.Popen[bytes]:
    words = [HERE, str(run), str(lists.masks[0].parent)]
    return subprocess.Popen([sys.executable, "-c", TRAIN, *words], env=os.environ | {"OMP_NUM_THREADS": "1"})


def step_of(run: Path) -> int:
    """Steps by the journal's heartbeat, -1 before there is one."""
    try:
        return int(json.loads((run / "heartbeat.json").read_text())["step"])
    except FileNotFoundError:
        return -1


def kill_at_random(run: Path, process: subprocess.Popen[bytes], draw: random.Random) -> None:
    """Kill the trainer while it takes steps, or, now and then, while it starts."""
    begun = step_of(run)
    while draw.random() < 0.98 and process.poll() is None and step_of(run) == begun:
        time.sleep(0.02)
    time.sleep(draw.uniform(0, 0.6))
    process.kill()
    process.wait()


def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(lists: CaseLists, tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    settings, run = toy_settings(stages=STAGES), RunFolder(undisturbed)
    run.begin(settings)
    Trainer(settings, lists, run).train()
    draw = random.Random(7)  # noqa: S311 - moments, no secrets
    for _ in range(KILLS):
        process = start(killed, lists)
        kill_at_random(killed, process, draw)
        if RunFolder(killed).result is not None:
            break
        found = sorted((killed / "checkpoints").glob("checkpoint-*.safetensors"))
        assert all(read_tensors(path) for path in found)
        read_metrics(killed)
    if RunFolder(killed).result is None:
        assert start(killed, lists).wait() == 0
    one, other = (read_tensors(run / "last.safetensors")[0] for run in (undisturbed, killed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert losses(undisturbed) == losses(killed)


def losses(run: Path) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_metrics(run) if row["kind"] == "train"]


#: A file may not grow beyond what is there already: what a full disk does, without filling one.
FULL_DISK = """
import resource, sys
from pathlib import Path
from RSuperLib.training.checkpoint import Checkpoints
import torch
kept = Checkpoints(Path(sys.argv[1]))
kept.write(1, {"weights": torch.zeros(1000)}, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    kept.write(2, {"weights": torch.ones(1000)}, {})
except Exception as error:
    print(type(error).__name__, error)
print(kept.read_last()[1]["step"], len(list(Path(sys.argv[1]).iterdir())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file sizes cannot be limited on Windows")
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True)
    message, rest = done.stdout.splitlines()
    assert message.startswith("RSuperError checkpoint-000000002.safetensors could not be written")
    assert rest == "1 1"


#: Two processes on one CPU, as `torchrun` would start them.
TWO_PROCESSES = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from training_cases import toy_lists, toy_settings
from RSuperLib.training import RunFolder, Trainer
settings = toy_settings(stages=[{"steps": 2}], batch=2)
run = RunFolder(Path(sys.argv[2]))
lists = toy_lists(Path(sys.argv[3]))
run.begin(settings) if sys.argv[4] == "0" else None
Trainer(settings, lists, run).train()
"""


def test_two_processes_train_one_network(lists: CaseLists, tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed: pip install rsuper[distributed]")
    here = str(Path(__file__).parent)
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, here, str(tmp_path), str(lists.masks[0].parent), str(rank)],
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]  # fmt: skip
    errors = [process.communicate(timeout=120)[1].decode()[-2000:] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert json.loads((tmp_path / "result.json").read_text())["steps"] == 2
