"""MedFormer with weights and an input given by rule, for `medformer_keys.json` and `medformer_forward.json`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from RSuperLib.io.errors import InputError

if TYPE_CHECKING:
    from RSuperLib.networks.medformer import MedFormer

#: Classes of the published checkpoint, and of its public demo.
_CLASSES, _DEMO_CLASSES = 42, 26


def medformer_keys(content: dict[str, Any]) -> dict[str, Any]:
    """Keys and shapes of the state dict in module order, and numbers of parameters."""
    classes = int(content.get("num_classes", _CLASSES))
    network = _network(classes)
    state = network.state_dict()
    parts = {name: _parameters(part) for name, part in network.named_children()}
    return {
        "num_classes": classes,
        "keys_in_module_order": [[name, list(value.shape)] for name, value in state.items()],
        "n_keys": len(state),
        "n_parameters": _parameters(network),
        "n_buffers": sum(1 for _ in network.buffers()),
        f"n_parameters_{_DEMO_CLASSES}_classes": _parameters(_network(_DEMO_CLASSES)),
        f"n_parameters_{classes}_no_aux": _parameters(network) - parts["aux_out"],
        "parameters_per_top_module": parts,
    }


def _network(classes: int) -> MedFormer:
    """Without memory for its weights: drawing millions of them only to replace them takes long."""
    from RSuperLib.networks.medformer import MedFormer

    with torch.device("meta"):
        return MedFormer(classes)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def medformer_forward(content: dict[str, Any]) -> dict[str, Any]:
    """Outputs, features and gradients for every input shape, in single precision as published.

    With these weights gradients are ill-conditioned: double precision moves some of them by several per cent.

    Raises:
        InputError: a run has no input shape.
    """
    network = _network(int(content.get("num_classes", _CLASSES))).to_empty(device="cpu")
    fill_by_rule(network)
    return {"runs": [_run(network, run) for run in content.get("runs", [])]}


def fill_by_rule(network: nn.Module) -> None:
    """Weights by the published rule: sines of the flat index n and of the position i of the key in alphabetical order.

    Norm weights are 1, norm biases 0, other vectors 0.05 sin(0.37 n + i), all else
    sqrt(2 / F) sin(0.37 n^2 / (n + 50) + 1.7 n + i) with F the product of all dimensions but the first.
    """
    state = network.state_dict()
    for i, name in enumerate(sorted(state)):
        value = state[name]
        n = torch.arange(value.numel(), dtype=torch.float64)
        if value.dim() > 1:
            scale = math.sqrt(2 / math.prod(value.shape[1:]))
            filled = scale * torch.sin(0.37 * n * n / (n + 50) + 1.7 * n + i)
        elif name.endswith(("norm.weight", "norm.bias")):
            filled = torch.full_like(n, float(name.endswith("norm.weight")))
        else:
            filled = 0.05 * torch.sin(0.37 * n + i)
        value.copy_(filled.reshape(value.shape))


def input_by_rule(shape: Sequence[int]) -> Tensor:
    """(1, 1, D, H, W): sin(0.11 z) cos(0.07 y) + 0.3 sin(0.05 x + 0.02 z)."""
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in shape[-3:]), indexing="ij")
    return (torch.sin(0.11 * z) * torch.cos(0.07 * y) + 0.3 * torch.sin(0.05 * x + 0.02 * z)).float()[None, None]


def _run(network: nn.Module, run: dict[str, Any]) -> dict[str, Any]:
    shape = run.get("input_shape")
    if not isinstance(shape, list) or len(shape) != 5:
        raise InputError("A run of medformer_forward.json has no input shape.", "Copy the file again.")
    features: dict[str, Any] = {}
    hooks = [
        part.register_forward_hook(
            lambda _part, _inputs, output, name=name: features.update({name: _described(output)})
        )
        for name, part in network.named_children()
        if name not in ("outc", "aux_out")
    ]
    image = input_by_rule(shape)
    network.float().zero_grad()
    heads = network(image)
    for hook in hooks:
        hook.remove()
    for name in ("up3", "up4"):  # the published levels hand the last map on
        features[name].setdefault("map", features["up2"].get("map"))
    loss = torch.stack([head.square().mean() for head in heads]).sum()
    torch.autograd.backward(loss)
    gradients = _gradients(network, loss, run.get("grad_probe", {}).get("grad_l2_some", {}))
    asked = {head.get("head"): head.get("probes", []) for head in run.get("heads", [])}
    return {
        "input_shape": shape,
        "heads": [
            _head(name, head, asked.get(name, [])) for name, head in zip(("final", "aux"), heads, strict=True)
        ],
        "features": features,
        "float64_vs_float32": _noise(network, image, heads),
        "grad_probe": gradients,
    }  # fmt: skip


def _noise(network: nn.Module, image: Tensor, heads: Sequence[Tensor]) -> list[dict[str, float]]:
    """How far these heads are from those in double precision."""
    with torch.no_grad():
        exact = network.double()(image.double())
        gaps = [(head.double() - one) for one, head in zip(exact, heads, strict=True)]
        return [
            {"max_abs_diff": gap.abs().max().item(), "rel_l2": (gap.norm() / one.norm()).item()}
            for gap, one in zip(gaps, exact, strict=True)
        ]


def _described(output: Any) -> Any:
    """A feature; a feature with its semantic map; or several maps."""
    if isinstance(output, list):
        return [_statistics(one) for one in output]
    if isinstance(output, tuple):
        return {"feature": _statistics(output[0]), "map": _statistics(output[1])}
    return {"feature": _statistics(output)}


def _statistics(values: Tensor) -> dict[str, Any]:
    flat = values.detach().double()
    return {
        "shape": list(values.shape),
        "mean": flat.mean().item(),
        "std": flat.std().item(),
        "min": flat.min().item(),
        "max": flat.max().item(),
        "l2": flat.norm().item(),
    }


def _head(name: str, logits: Tensor, probes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    places = [(probe["channel"], probe["zyx"]) for probe in probes]
    return {
        "head": name,
        "stats": _statistics(logits),
        "probes": [
            {"channel": channel, "zyx": zyx, "value": logits[(0, channel, *zyx)].item()} for channel, zyx in places
        ],
        "channel_means": logits[0].detach().double().mean((1, 2, 3)).tolist(),
    }


def _gradients(network: nn.Module, loss: Tensor, names: Sequence[str]) -> dict[str, Any]:
    norms = {name: one.grad.double().norm().item() for name, one in network.named_parameters() if one.grad is not None}
    return {
        "loss_definition": "mean(final^2)+mean(aux^2)",
        "loss": loss.item(),
        "total_grad_l2": math.hypot(*norms.values()),
        "grad_l2_some": {name: norms[name] for name in names or norms if name in norms},
    }
