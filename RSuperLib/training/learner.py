"""What learns: the network, its moving average and the optimiser, and their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from RSuperLib.training.averaging import AveragedNetwork
from RSuperLib.training.batch import Batch
from RSuperLib.training.checkpoint import flat_optimiser, restore_optimiser
from RSuperLib.training.classes import OutputClass
from RSuperLib.training.engine import Engine
from RSuperLib.training.objective import BatchLoss
from RSuperLib.training.settings import OptimiserSettings

#: That of the published recipe.
_ADAM_EPSILON = 1e-5
_TINY = 1e-5


class Learner:
    """Takes steps.

    Args:
        network: on the device already.
        engine: where to compute.
        settings: of the optimiser.
        objective: the loss.
        classes: the output channels.
    """

    def __init__(
        self, network: nn.Module, engine: Engine, settings: OptimiserSettings, objective: BatchLoss,
        classes: list[OutputClass],
    ) -> None:  # fmt: skip
        self.network = network
        self.average = AveragedNetwork(network, settings.ema)
        self._called = engine.distributed(network)
        self._engine, self._settings, self._objective = engine, settings, objective
        self._lesions = [number for number, one in enumerate(classes) if one.is_lesion]
        self._optimiser = _optimiser(network, settings)

    def step(self, number: int, batch: Batch, micro_batch: int, rate: float, report_weight: float) -> dict[str, Tensor]:
        """One step of the optimiser; gradients add up over pieces of the batch.

        Args:
            number: of the step, from 0.
            batch: the patches of this process.
            micro_batch: size of the pieces.
            rate: learning rate.
            report_weight: weight of the report terms.

        Returns:
            The terms, each the mean over the batch, on the device.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        count = len(batch.image)
        sums: dict[str, Tensor] = {}
        for start in range(0, count, micro_batch):
            piece = batch.part(slice(start, min(start + micro_batch, count)))
            for name, term in self._learn(piece, report_weight, len(piece.image) / count).items():
                sums[name] = sums[name] + term if name in sums else term
        nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.clip_norm)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.average.update(number)
        return sums

    def _learn(self, batch: Batch, report_weight: float, share: float) -> dict[str, Tensor]:
        with self._engine.autocast():
            heads = self._called(batch.image)
        terms = self._objective(heads, batch, report_weight)
        self._engine.backward(terms["loss"] * share)
        terms["lesion_dice"] = _lesion_dice(heads[0].detach(), batch, self._lesions)
        return {name: term.detach() * share for name, term in terms.items()}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that decides how the next step goes: tensors by name, and the rest as JSON."""
        tensors, values = flat_optimiser(self._optimiser)
        groups = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": tensors,
            "random": {"cpu": torch.get_rng_state()},
        }
        if self._engine.device.type == "cuda":
            groups["random"]["cuda"] = torch.cuda.get_rng_state(self._engine.device)
        named = {f"{group}/{name}": one for group, content in groups.items() for name, one in content.items()}
        return named, {"optimiser": values}

    def restore(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        groups: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            group, inner = name.split("/", 1)
            groups.setdefault(group, {})[inner] = tensor
        self.network.load_state_dict(groups["network"])
        self.average.network.load_state_dict(groups["average"])
        restore_optimiser(self._optimiser, groups.get("optimiser", {}), values["optimiser"])
        torch.set_rng_state(groups["random"]["cpu"])
        if "cuda" in groups["random"]:
            torch.cuda.set_rng_state(groups["random"]["cuda"], self._engine.device)


def _optimiser(network: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    if settings.name == "sgd":
        return torch.optim.SGD(
            network.parameters(), momentum=settings.momentum, weight_decay=settings.weight_decay, nesterov=True
        )
    return torch.optim.AdamW(network.parameters(), eps=_ADAM_EPSILON, weight_decay=settings.weight_decay)


def _lesion_dice(logits: Tensor, batch: Batch, lesions: list[int]) -> Tensor:
    """Dice of all lesion voxels of the batch that are labelled; says whether the masks have taught something yet.

    It is 0 where there is neither a lesion nor a false one, so that it rises from 0 as the network learns.
    """
    if not lesions:
        return logits.new_zeros(())
    called = (logits[:, lesions] > 0) & ~batch.unknown[:, lesions]
    labels = batch.labels[:, lesions]
    return 2 * (called & labels).sum() / (called.sum() + labels.sum() + _TINY)
