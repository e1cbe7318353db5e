"""`rsuper bench ball`, `loss` and `lossmem`: what the losses cost, as ratios within one run.

What they are compared with is written here as the published method describes it: dense convolutions, whole tensors.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.supervision.ball import ball_loss
from RSuperLib.supervision.correlate import correlate
from RSuperLib.supervision.published_shapes import gaussian_ball, odd
from RSuperLib.supervision.report_terms import report_terms
from RSuperLib.supervision.segmentation import segmentation_loss
from RSuperLib.supervision.targets import ChannelTarget, LesionTarget, box_around, distance_from, ellipsoid_volume
from RSuperLib.supervision.volume import volume_loss

#: Multiplications of a dense search that are really done; the rest is scaled up from a tile of the output.
_DENSE_BUDGET = 1.5e9
_REPEATS = 3
_LESIONS_MM = (32.0, 20.0, 14.0, 10.0)


def ball(
    edge: int = 64, diameters: Sequence[float] = (16.0,), seed: int = 0, progress: Progress = no_progress
) -> dict[str, Any]:
    """The search for one lesion by FFT against a dense convolution with the published kernel, on one thread.

    Args:
        edge: of the crop, voxels of 1 mm.
        diameters: of the lesions, mm.
        seed: of the probability map.
        progress: told which diameter is at work.

    Returns:
        For each diameter CPU seconds, their ratio, the regret of the centre (relative) and whether it is the same one;
        dense figures are those of a tile around that centre, scaled to the crop.
    """
    torch.set_num_threads(1)
    rows = []
    for done, diameter in enumerate(diameters):
        progress(f"{diameter:g} mm", done / len(diameters))
        rows.append(_searched(_probability(edge, diameter, seed), odd(diameter)))
    fft = [row["fft_s"] for row in rows]
    return {"edge": edge, "rows": rows, "flatness": round(max(fft) / min(fft), 2)}


def _probability(edge: int, diameter: float, seed: int) -> Tensor:
    """A blob of the size, and smooth noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = functional.interpolate(
        torch.randn((1, 1, 8, 8, 8), generator=generator), size=(edge,) * 3, mode="trilinear"
    )
    line = (torch.arange(edge) - edge * 0.45) / (diameter / 2)
    bump = 6 * torch.exp(-(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2))
    return (noise[0, 0] + bump - 3).sigmoid()


def _searched(probability: Tensor, diameter: int) -> dict[str, Any]:
    fft_s, scores = _seconds(lambda: correlate(probability, gaussian_ball, diameter))
    best = int(scores.argmax())
    edge = len(probability)
    centre = [best // edge**2, best // edge % edge, best % edge]
    kernel = gaussian_ball(diameter).float()
    tile = min(len(probability), max(3, int((_DENSE_BUDGET / kernel.numel()) ** (1 / 3))))
    start = [min(max(c - tile // 2, 0), len(probability) - tile) for c in centre]
    half = len(kernel) // 2
    padded = functional.pad(probability, (half,) * 6)
    window = padded[tuple(slice(s, s + tile + 2 * half) for s in start)][None, None]
    tile_s, dense = _seconds(lambda: functional.conv3d(window, kernel[None, None])[0, 0], repeats=1)
    here = dense[tuple(c - s for c, s in zip(centre, start, strict=True))]
    dense_s = tile_s * (len(probability) / tile) ** 3
    return {
        "diameter_mm": diameter,
        "dense_s": round(dense_s, 4),
        "fft_s": round(fft_s, 5),
        "ratio": round(dense_s / fft_s, 1),
        "regret": float((dense.max() - here) / dense.max()),
        "same_argmax": bool(here == dense.max()),
        "tile": tile,
    }


def loss(
    edge: int = 128,
    tumours: Sequence[int] = (1, 4),
    channels: int = 4,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """A step's losses, forward and backward, with and without reports.

    Args:
        edge: of the crop, voxels of 1 mm.
        tumours: reported lesions in the crop.
        channels: classes of the network.
        device: "cpu" (one thread) or "cuda".
        progress: told what is at work.

    Returns:
        For each number of lesions: seconds of the step (voxel and report losses), of plain cross entropy and Dice, of
        the published report losses (with the search by FFT), their ratios, and how often a step waits for the device.
    """
    torch.set_num_threads(1)
    rows = []
    for done, count in enumerate(tumours):
        progress(f"{count} lesions", done / len(tumours))
        rows.append(_step_row(edge, count, channels, torch.device(device)))
    return {"edge": edge, "channels": channels, "device": device, "rows": rows}


def _step_row(edge: int, count: int, channels: int, device: torch.device) -> dict[str, Any]:
    logits, labels, unknown, target = _scene(edge, count, channels, device)
    known = ~unknown

    def step() -> Tensor:
        bce, dice = segmentation_loss(logits, labels, known)
        reports = report_terms(logits, [[target]], spacing=(1, 1, 1))
        return bce + dice + sum(reports.values(), logits.new_zeros(()))

    def published() -> Tensor:
        volumes = torch.tensor([[one.ellipsoid_mm3 for one in target.lesions]])
        diameters = torch.tensor([[one.diameters_mm for one in target.lesions]])
        x, label, part = (tensor[:, -1:] for tensor in (logits, labels, unknown))
        bce, dice = ball_loss(x, label, part, part, volumes, diameters, mode="reference")
        return bce + dice + volume_loss(x, label, part, part, volumes, mode="reference")

    def with_backward(term: Callable[[], Tensor]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(term(), logits)

    step_s, _ = _seconds(with_backward(step), device=device)
    plain_s, _ = _seconds(with_backward(lambda: plain_loss(logits, labels, known)), device=device)
    published_s, _ = _seconds(with_backward(published), repeats=1, device=device)
    return {
        "tumours": count,
        "step_s": round(step_s, 4),
        "plain_s": round(plain_s, 4),
        "step_over_plain": round(step_s / plain_s, 2),
        "published_report_losses_s": round(published_s, 3),
        "host_syncs": host_syncs(with_backward(step)),
    }


def _scene(edge: int, count: int, channels: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor, ChannelTarget]:
    """A part of a sixth of the crop in the last channel, with noise for logits."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((1, channels, edge, edge, edge), generator=generator) - 3
    mask = torch.zeros((edge, edge, edge), dtype=torch.bool)
    mask[tuple(slice(edge // 2 - half, edge // 2 + half) for half in (edge // 4, edge * 11 // 32, edge * 7 // 32))] = (
        True
    )
    lesions = [_ball_target(_LESIONS_MM[n % 4] * min(1.0, edge / 128)) for n in range(count)]
    distances = distance_from(mask, (1, 1, 1)).clamp(max=255).to(torch.uint8)[None].to(device)
    target = ChannelTarget(channels - 1, distances, tuple(lesions), box=box_around(mask, 15, (1, 1, 1)))
    labels = (torch.rand(logits.shape, generator=generator) > 0.9).to(device)
    labels[:, -1] = False
    unknown = torch.zeros(logits.shape, dtype=torch.bool, device=device)
    unknown[:, -1] = mask.to(device)
    return logits.to(device).requires_grad_(), labels, unknown, target


def _ball_target(diameter: float) -> LesionTarget:
    volume = ellipsoid_volume((diameter,) * 3)
    return LesionTarget(0, (diameter,) * 3, (0.8 * volume, 1.2 * volume))


def plain_loss(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Masked cross entropy and Dice in whole tensors, as it is usually written: what ours is compared with."""
    target, mask = labels.float(), known.float()
    probability = logits.sigmoid()
    entropy = (functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * mask).mean()
    p, t = probability * mask, target * mask
    hit = (p * t).sum((2, 3, 4))
    false, missed = (p * (1 - t)).sum((2, 3, 4)), ((1 - p) * t).sum((2, 3, 4))
    alpha = (false.sum(0) / (false.sum(0) + missed.sum(0) + 1e-5)).clamp(0.2, 0.8)
    return entropy + (1 - hit / (hit + alpha * false + (1 - alpha) * missed + 1e-5)).mean()


def lossmem(edge: int = 64, channels: int = 42, progress: Progress = no_progress) -> dict[str, Any]:
    """Cross entropy and Dice of many channels: closed form against whole tensors, each in a process of its own.

    Args:
        edge: of the crop, voxels.
        channels: classes of the network.
        progress: told what is at work.

    Returns:
        Memory beyond the inputs at its peak, MB, CPU seconds, their ratios, and the relative error of the gradient.
    """
    rows = {}
    for done, way in enumerate(("plain", "lean")):
        progress(way, done / 2)
        code = f"from RSuperLib.bench.losses import measure_memory; measure_memory({way!r}, {edge}, {channels})"
        done_process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
        rows[way] = [float(word) for word in done_process.stdout.split()]
    (plain_mb, plain_s, norm), (lean_mb, lean_s, lean_norm) = rows["plain"], rows["lean"]
    return {
        "edge": edge,
        "channels": channels,
        "naive_mb": round(plain_mb, 1),
        "lean_mb": round(lean_mb, 1),
        "ratio": round(plain_mb / max(lean_mb, 0.1), 2),  # memory is counted in pages
        "naive_s": round(plain_s, 3),
        "lean_s": round(lean_s, 3),
        "time_ratio": round(plain_s / lean_s, 2),
        "grad_rel_err": abs(norm - lean_norm) / norm,
    }


def measure_memory(way: str, edge: int, channels: int) -> None:
    """Print peak MB beyond the inputs, CPU seconds and the gradient's norm of one loss; runs in its own process."""
    import resource

    torch.set_num_threads(1)
    torch.manual_seed(0)
    logits = torch.empty((1, channels, edge, edge, edge)).normal_().requires_grad_()
    labels = torch.empty(logits.shape, dtype=torch.bool).bernoulli_(0.1)
    known = torch.empty(logits.shape, dtype=torch.bool).bernoulli_(0.9)
    term = plain_loss if way == "plain" else _lean_loss
    small = torch.zeros((1, 1, 2, 2, 2), requires_grad=True)
    torch.autograd.backward(term(small, small > 0, small > 0))  # what is loaded once does not count
    unit = 1024**2 if sys.platform == "darwin" else 1024
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    torch.autograd.backward(term(logits, labels, known))
    seconds = time.process_time() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit
    norm = math.inf if logits.grad is None else logits.grad.double().norm().item()
    print(megabytes, seconds, norm)  # noqa: T201 - the answer to the parent process


def _lean_loss(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    return torch.stack(segmentation_loss(logits, labels, known, mode="reference")).sum()


class _SyncCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations whose result the host must wait for."""

    WAITING = (
        "_local_scalar_dense",
        "nonzero",
        "masked_select",
        "unique",
        "equal",
        "is_nonzero",
        "_linalg_check_errors",
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.name().removeprefix("aten::").partition(".")[0]
        by_mask = name in ("index", "index_put", "index_put_") and any(
            one is not None and one.dtype == torch.bool for one in args[1]
        )
        self.count += name in self.WAITING or by_mask
        return func(*args, **(kwargs or {}))


def host_syncs(run: Callable[[], Any]) -> int:
    """How often `run` would wait for an accelerator."""
    counter = _SyncCounter()
    with counter:
        run()
    return counter.count


def _seconds(run: Callable[[], Any], repeats: int = _REPEATS, device: torch.device | None = None) -> tuple[float, Any]:
    """CPU seconds of this process (seconds of wall time on an accelerator), the best of some; the result."""
    on_device = device is not None and device.type == "cuda"
    clock = time.perf_counter if on_device else time.process_time
    if repeats > 1:
        run()  # kernels are made once
    best, result = math.inf, None
    for _ in range(repeats):
        started = clock()
        result = run()
        if on_device:
            torch.cuda.synchronize()
        best = min(best, clock() - started)
    return best, result
