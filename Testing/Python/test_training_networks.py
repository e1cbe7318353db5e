"""Networks by name, and the plan that fits one into the memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from training_cases import toy_settings

from RSuperLib.io import InputError
from RSuperLib.networks import NETWORKS, build_network
from RSuperLib.training.engine import Engine
from RSuperLib.training.plan import make_plan


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_networks_give_heads_of_the_input_size(name: str) -> None:
    network = build_network(name, 3, {"filters": [4, 8, 16]} if name == "dynunet" else {}).eval()
    edge = max(16, 2 * network.stride)
    with torch.inference_mode():
        heads = network(torch.zeros(1, 1, edge, edge, edge))
    assert all(head.shape == (1, 3, edge, edge, edge) for head in heads)


def test_unknown_networks_and_options_are_named() -> None:
    with pytest.raises(InputError, match="no network 'unett'"):
        build_network("unett", 2)
    with pytest.raises(InputError, match="cannot be built"):
        build_network("unet", 2, {"widths": 3})


def plan_with(memory: int, **changes: Any) -> Any:
    settings = toy_settings(
        batch=4, crop={"patch": (64, 64, 64)}, network={"name": "unet", "options": {"channels": [8, 16, 32]}},
        machine={"device": "cpu", "threads": 1, "memory_bytes": memory}, **changes,
    )  # fmt: skip
    return make_plan(settings, build_network("unet", 2, settings.network.options), Engine(settings.machine))


def test_small_memory_is_met_step_by_step() -> None:
    ample = plan_with(10**11)
    assert (ample.micro_batch, ample.checkpointing, ample.patch) == (4, False, (64, 64, 64))
    pieces = plan_with(ample.bytes_needed // 2)
    assert (pieces.micro_batch, pieces.checkpointing) == (1, False) or pieces.micro_batch == 2
    twice = plan_with(ample.bytes_needed // 6)
    assert (twice.micro_batch, twice.checkpointing, twice.patch) == (1, True, (64, 64, 64))
    smaller = plan_with(ample.bytes_needed // 16)
    assert max(smaller.patch) < 64
    assert any("memory is small" in sentence for sentence in smaller.sentences)
    with pytest.raises(InputError, match="GB of memory"):
        plan_with(1000)


def test_a_patch_that_does_not_suit_the_network_is_refused() -> None:
    settings = toy_settings(crop={"patch": (17, 16, 16)})
    with pytest.raises(InputError, match="multiples of 2"):
        make_plan(settings, build_network("unet", 2, settings.network.options), Engine(settings.machine))
