"""A trained network that says what it sees in a prepared case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from RSuperLib.networks import build_network
from RSuperLib.training import TrainSettings
from RSuperLib.training.engine import Engine
from RSuperLib.training.prepared import CaseArrays
from RSuperLib.training.validation import predict
from RSuperLib.training.warm_start import load_matching


class Predictor:
    """The network of some weights.

    Args:
        weights: safetensors file of a run.
        settings: of that run.

    Raises:
        InputError: the weights are of another network.
    """

    def __init__(self, weights: Path, settings: TrainSettings) -> None:
        self._settings, self._engine = settings, Engine(settings.machine)
        network = build_network(settings.network.name, len(settings.classes), settings.network.options)
        load_matching(network, weights, settings.network, settings.classes)
        self._network = self._engine.placed(network).eval()

    def __call__(self, arrays: CaseArrays) -> NDArray[np.float32]:
        """(z, y, x) probabilities of the first class."""
        settings = self._settings
        probability: NDArray[np.float32] = predict(
            self._network, arrays, [0], settings.crop.patch, settings.validation.overlap, settings.normalisation,
            self._engine,
        )[0]  # fmt: skip
        return probability
