"""Losses, gradients and pseudo-masks of the published method for the cases of `loss_inputs.npz`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress
from RSuperLib.supervision.inputs import LossInputs, check_inputs, check_sizes
from RSuperLib.supervision.lesion_channels import lesion_groups, merge_lesions
from RSuperLib.supervision.published_ball import IsolatedLesion, isolate_lesions, published_ball_loss
from RSuperLib.supervision.published_shapes import ball, dilate, odd
from RSuperLib.supervision.published_total import published_objective
from RSuperLib.supervision.published_volume import predicted_volume, published_volume_loss
from RSuperLib.supervision.segmentation import dice_of, segmentation_loss
from RSuperLib.supervision.sums import channel_sums

#: Channels of the published cases, where the file of expected values does not name others.
CLASSES = ("kidney_left", "kidney_lesion", "pancreas_head", "pancreatic_lesion")
_FIELDS = ("__base8", "__label", "__mask", "__unk", "__volumes", "__diameters")
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class _Case:
    """The tensors of one case, batch of 1."""

    logits: Tensor
    labels: Tensor
    unknown: Tensor
    segment: Tensor
    volumes: Tensor
    diameters: Tensor
    classes: tuple[str, ...]

    @property
    def lesions(self) -> LossInputs:
        """The merged lesion channels."""
        groups = lesion_groups(self.classes)
        tensors = (self.logits, self.labels, self.unknown, self.segment)
        logits, labels, unknown, segment = (merge_lesions(one, groups) for one in tensors)
        return check_inputs(logits, labels, unknown, segment, (1, 1, 1))


def loss_cases(arrays: Arrays, classes: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Every case with all its inputs; what the published method refuses is {"error": type}.

    Raises:
        InputError: arrays that do not fit each other.
    """
    names = [name.removesuffix("__base8") for name in arrays if name.endswith("__base8")]
    results = {}
    for done, name in enumerate(names):
        progress("losses", 0.9 * done / len(names))
        results[name] = _values(_load(name, arrays, tuple(classes)))
    return results


def _load(name: str, arrays: Arrays, classes: tuple[str, ...]) -> _Case:
    missing = [field for field in _FIELDS if name + field not in arrays] + ["tie_break"] * ("tie_break" not in arrays)
    if missing:
        raise InputError(f"The case {name[:40]!r} lacks {missing[0].strip('_')}.", "Copy loss_inputs.npz again.")
    base = arrays[f"{name}__base8"]
    if base.shape != arrays["tie_break"].shape or len(classes) != len(base):
        raise InputError(f"The case {name[:40]!r} has another shape than the others.", "Copy loss_inputs.npz again.")
    exact = base.astype(np.float64) / 8 + arrays["tie_break"].astype(np.float64) / 2**19 - 1 / 16
    logits = torch.from_numpy(exact.astype(np.float32))[None].requires_grad_()
    labels, unknown, segment = (_unpacked(arrays[f"{name}__{field}"], base.shape) for field in ("label", "unk", "mask"))
    volumes, diameters = (torch.from_numpy(arrays[f"{name}__{field}"]) for field in ("volumes", "diameters"))
    return _Case(logits, labels, unknown, segment, *check_sizes(volumes, diameters, 1), classes)


def _unpacked(packed: NDArray[np.uint8], shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.unpackbits(packed, count=math.prod(shape)).reshape(shape)).bool()[None]


def _values(case: _Case) -> dict[str, Any]:
    sections: dict[str, Callable[[_Case], dict[str, Any]]] = {
        "volume_loss_tol0.1": lambda one: _volume(one, 0.1),
        "volume_loss_tol0.2": lambda one: _volume(one, 0.2),
        "seg_dice": _segmentation_dice,
        "seg_bce": lambda one: _term(segmentation_loss(*_known(one), mode="reference")[0], one.logits),
        "ball_loss": lambda one: _ball(one, standard_ce=False),
        "ball_loss_standard_ce": lambda one: _ball(one, standard_ce=True),
        "whole": _whole,
    }
    values: dict[str, Any] = {name: _or_error(compute, case) for name, compute in sections.items()}
    values["tumours"] = _tumours(case)
    values["logits_sum"] = case.logits.detach().double().sum().item()
    values |= _counts(case)
    found = _or_error(_isolated, case)
    return values | found if "error" not in found else {**values, "isolate": found}


def _or_error(compute: Callable[[_Case], dict[str, Any]], case: _Case) -> dict[str, Any]:
    try:
        return compute(case)
    except InputError as error:
        return {"error": type(error).__name__, "message": error.message}


def _known(case: _Case) -> tuple[Tensor, Tensor, Tensor]:
    return case.logits, case.labels, ~dilate(case.unknown, 5)


def _tumours(case: _Case) -> list[dict[str, Any]]:
    return [
        {"diameters": diameters, "volume": volume}
        for volume, diameters in zip(case.volumes[0].tolist(), case.diameters[0].tolist(), strict=True)
        if volume > 0
    ]


def _counts(case: _Case) -> dict[str, Any]:
    predicted, _ = predicted_volume(case.lesions)
    return {
        "dilated_segment_voxels": _counted(dilate(case.lesions.segment, 31)),
        "predicted_volume_in_dilated_segment": predicted[0].tolist(),
        "known_voxels_per_channel": _counted(_known(case)[2]),
    }


def _counted(mask: Tensor) -> list[float]:
    return mask[0].sum((1, 2, 3)).double().tolist()


def _volume(case: _Case, tolerance: float) -> dict[str, Any]:
    return _term(published_volume_loss(case.lesions, case.volumes, tolerance), case.logits)


def _segmentation_dice(case: _Case) -> dict[str, Any]:
    term = _term(segmentation_loss(*_known(case), mode="reference")[1], case.logits)
    return {**term, "per_channel": dice_of(channel_sums(*_known(case)))[0].tolist()}


def _ball(case: _Case, *, standard_ce: bool) -> dict[str, Any]:
    bce, dice = published_ball_loss(case.lesions, case.volumes, case.diameters, standard_ce=standard_ce)
    gradients = {"grad_bce": _gradient(bce, case.logits), "grad_dice": _gradient(dice, case.logits)}
    return {"bce": bce.item(), "dice": dice.item(), **gradients}


def _whole(case: _Case) -> dict[str, Any]:
    final, auxiliary = case.logits.detach().requires_grad_(), (0.75 * case.logits.detach() - 0.25).requires_grad_()
    sizes = (case.volumes, case.diameters)
    masks = (case.labels, case.unknown, case.segment)
    terms = published_objective(final, auxiliary, *masks, sizes, classes=case.classes)
    gradients = {"grad_final": final, "grad_aux": auxiliary}
    return {
        **{name: term.item() for name, term in terms.items()},
        **{name: _gradient(terms["overall"], head) for name, head in gradients.items()},
    }


def _isolated(case: _Case) -> dict[str, Any]:
    """What the search finds, in the one channel with a segment; nothing without a reported volume."""
    inputs = case.lesions
    channels = inputs.segment[0].flatten(1).any(1).nonzero().flatten().tolist()
    if len(channels) != 1 or not (case.volumes > 0).any():
        return {}
    logits, segment = inputs.logits[0, channels[0]].detach(), dilate(inputs.segment[0, channels[0]], 31)
    found = isolate_lesions(logits, segment, case.volumes[0], case.diameters[0])
    return {
        "isolate": [_isolated_row(one, case) for one in found],
        "pseudo_small": mask_digest(torch.stack([one.small for one in found]).any(0)),
        "pseudo_big": mask_digest(torch.stack([one.big for one in found]).any(0)),
    }


def _isolated_row(one: IsolatedLesion, case: _Case) -> dict[str, Any]:
    reported = float(case.volumes[0, one.row])
    return {
        "row": one.row,
        "rounded_diameter": one.diameter,
        "kernel_edge": odd(1.2 * one.diameter),
        "ball_voxels": int(ball(one.diameter).sum()),
        "centre_zyx": list(one.centre),
        "peak": one.peak,
        "voxels_normal": int(one.normal.sum()),
        "voxels_small": int(one.small.sum()),
        "voxels_big": int(one.big.sum()),
        "reported_volume": max(reported, 9.0) if reported <= 1 else reported,
    }


def mask_digest(mask: Tensor) -> str:
    """SHA-256 of a voxel set: of the packed bits of the flattened mask."""
    return hashlib.sha256(np.packbits(mask.cpu().numpy()).tobytes()).hexdigest()


def _term(loss: Tensor, logits: Tensor) -> dict[str, Any]:
    return {"loss": loss.item(), "grad": _gradient(loss, logits)}


def _gradient(loss: Tensor, logits: Tensor) -> dict[str, Any]:
    gradient = torch.zeros_like(logits)
    if loss.requires_grad:
        gradient = torch.autograd.grad(loss, logits, retain_graph=True)[0]
    flat = gradient[0].flatten(1).double()
    return {
        "l2": flat.norm().item(),
        "sum": flat.sum().item(),
        "abs_sum": flat.abs().sum().item(),
        "max_abs": flat.abs().max().item(),
        "l2_per_channel": flat.norm(dim=1).tolist(),
    }
