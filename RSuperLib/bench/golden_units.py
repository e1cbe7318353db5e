"""The small tables of the published method: each row recomputed from the columns that are its inputs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch

from RSuperLib.bench.golden_losses import mask_digest
from RSuperLib.bench.published import ema_alpha, learning_rate, window_starts
from RSuperLib.io.errors import InputError
from RSuperLib.supervision.published_ball import rank_weights
from RSuperLib.supervision.published_shapes import ball, dilate, gaussian_ball
from RSuperLib.supervision.published_volume import volume_disagreement
from RSuperLib.supervision.segmentation import dice_of
from RSuperLib.supervision.sums import ChannelSums, channel_sums

Row = dict[str, Any]


def unit_tables(content: dict[str, Any]) -> dict[str, Any]:
    """Every table that is known, with its inputs and recomputed values.

    Raises:
        InputError: a row lacks an input.
    """
    tables: dict[str, Callable[[Any], Any]] = {
        "volume_loss_scalar": _volume_losses,
        "ball_kernel": lambda rows: [_ball_kernel(row["diameter"]) for row in rows],
        "dilation_single_voxel": lambda rows: [_dilation(row["kernel_size"]) for row in rows],
        "gwrp": _rank_weights,
        "dice_micro": lambda rows: [_dice(row) for row in rows],
        "lr_per_epoch": lambda table: {name: _learning_rates(name) for name in table},
        "ema_alpha_at_step": lambda table: {step: ema_alpha(int(step)) for step in table},
    }
    try:
        results = {name: compute(content[name]) for name, compute in tables.items() if name in content}
        windows = {name: _windows(name, content[name]) for name in content if name.startswith("sliding_window_starts")}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("unit_tables.json lacks an input of a row.", "Copy the file again.") from error
    return results | windows


def _volume_losses(table: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for tolerance, reported, predicted, *_ in table["rows"]:
        volume = torch.tensor(float(predicted), requires_grad=True)
        loss = volume_disagreement(volume, torch.tensor(float(reported)), tolerance)
        (slope,) = torch.autograd.grad(loss, volume)
        rows.append([tolerance, reported, predicted, loss.item(), slope.item()])
    names = ["tolerance", "target_volume", "predicted_volume", "loss", "dloss_dpredicted"]
    return {"columns": table.get("columns", names), "rows": rows}


def _ball_kernel(diameter: float) -> Row:
    kernel, weights = ball(diameter), gaussian_ball(diameter)
    middle = len(kernel) // 2
    return {
        "diameter": diameter,
        "edge": len(kernel),
        "voxels": int(kernel.sum()),
        "gauss_centre": weights[middle, middle, middle].item(),
        "gauss_min_positive": weights[weights > 0].min().item(),
        "gauss_sum": weights.sum().item(),
        "axis_half_extent": int(kernel[middle, middle].sum()) // 2,
    }


def _dilation(size: int) -> Row:
    """A single voxel in the middle of a 48^3 cube."""
    edge = 48
    seed = torch.zeros((edge, edge, edge), dtype=torch.bool)
    middle = edge // 2
    seed[middle, middle, middle] = True
    grown = dilate(seed, size)
    steps = torch.arange(edge - middle)
    return {
        "kernel_size": size,
        "voxels": int(grown.sum()),
        "reach_along_axis": int(grown[middle, middle, middle:].sum()) - 1,
        "reach_along_diagonal_2d": int(grown[middle, middle + steps, middle + steps].sum()) - 1,
        "sha256_packbits_48cube": mask_digest(grown),
    }


def _rank_weights(table: dict[str, Any]) -> dict[str, Any]:
    values = torch.tensor(table["values_flat"], dtype=torch.float64)
    return {"values_flat": table["values_flat"], "rows": [_rank_row(values, row) for row in table["rows"]]}


def _rank_row(values: torch.Tensor, row: Row) -> Row:
    weights = rank_weights(values, row["N"], row["c"], hard_cutoff=row["hard_cutoff"])
    pooled = None if row["hard_cutoff"] else (weights * values).sum().item()
    inputs = {name: row[name] for name in ("N", "c", "hard_cutoff")}
    return {**inputs, "weights_in_input_order": weights.tolist(), "pooled": pooled}


def _dice(row: Row) -> Row:
    """Dice of a few voxels; the gradient is that with respect to `pred`, logits or probabilities."""
    values = torch.tensor(row["pred"], dtype=torch.float32, requires_grad=True)
    target, known = (torch.tensor(row[name], dtype=torch.float32) for name in ("target", "known"))
    shape = (1, 1, 1, 1, -1)
    if row["sigmoid"]:
        sums = channel_sums(values.reshape(shape), target.reshape(shape), known.reshape(shape))
    else:
        hit = (values * known * target).sum()[None, None]
        false, missed = ((values * known * (1 - target)).sum()[None, None], (known * target).sum() - hit)
        sums = ChannelSums(hit, false, missed, torch.zeros(1, 1))
    loss = dice_of(sums).mean()
    (gradient,) = torch.autograd.grad(loss, values)
    inputs = {name: row[name] for name in ("pred", "target", "known", "sigmoid")}
    return {**inputs, "loss": loss.item(), "grad": gradient.tolist()}


def _learning_rates(name: str) -> list[float]:
    found = re.fullmatch(r"epochs(\d+)_warmup(\d+)_lr([\d.e-]+)", name)
    if found is None:
        raise ValueError(name)
    epochs, warmup, base = int(found[1]), int(found[2]), float(found[3])
    return [learning_rate(epoch, epochs, warmup, base) for epoch in range(epochs)]


def _windows(name: str, table: dict[str, Any]) -> dict[str, Any]:
    edge = int(name.rpartition("edge")[2])
    rows = {}
    for length in table:
        starts = window_starts(int(length), edge)
        covered = {voxel for start in starts for voxel in range(start, start + edge)}
        rows[length] = {
            "starts": starts,
            "distinct": len(set(starts)),
            "uncovered": len(set(range(int(length))) - covered),
        }
    return rows
