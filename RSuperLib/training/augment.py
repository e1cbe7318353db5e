"""Random changes of grey values on the device; order and ranges as published, each patch on its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from RSuperLib.training.settings import IntensitySettings


def change_intensity(image: Tensor, settings: IntensitySettings, random: np.random.Generator) -> Tensor:
    """A copy of normalised patches (B, 1, D, H, W) with other grey values.

    Args:
        image: the patches.
        settings: shares and ranges.
        random: decides everything; noise comes from a generator of the device that it seeds.
    """
    return torch.stack([_changed(one, settings, random) for one in image])


def _changed(image: Tensor, settings: IntensitySettings, random: np.random.Generator) -> Tensor:
    generator = torch.Generator(image.device)
    generator.manual_seed(int(random.integers(2**62)))
    brightness, gamma = random.uniform(*settings.brightness), random.uniform(*settings.gamma)
    contrast, sigma = random.uniform(*settings.contrast), random.uniform(*settings.blur_voxels)
    offset, noise = random.normal(0, settings.offset_std), random.uniform(0, settings.noise_std)
    changes: list[Callable[[Tensor], Tensor]] = [
        lambda one: one * brightness,
        lambda one: one + offset,
        lambda one: _with_gamma(one, gamma),
        lambda one: _with_contrast(one, contrast),
        lambda one: _blurred(one, sigma),
        lambda one: one + noise * torch.randn(one.shape, generator=generator, device=one.device),
    ]
    for change, draw in zip(changes, random.random(len(changes)), strict=True):
        if draw < settings.share:
            image = change(image)
    return image


def _with_gamma(image: Tensor, gamma: float) -> Tensor:
    """Grey values within their range to the power of gamma; mean and standard deviation stay."""
    low, high = image.min(), image.max()
    bent = ((image - low) / (high - low + 1e-7)) ** gamma
    return (bent - bent.mean()) / (bent.std() + 1e-7) * image.std() + image.mean()


def _with_contrast(image: Tensor, factor: float) -> Tensor:
    """Distances from the mean times a factor, within the old range."""
    mean = image.mean()
    changed: Tensor = ((image - mean) * factor + mean).clamp(image.min(), image.max())
    return changed


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """(1, D, H, W) after a Gaussian of sigma voxels, axis by axis; borders are repeated."""
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    blurred = image[None]
    for axis in range(3):
        shape, padding = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = len(kernel)
        padding[2 * (2 - axis)] = padding[2 * (2 - axis) + 1] = radius
        blurred = functional.conv3d(functional.pad(blurred, padding, mode="replicate"), kernel.view(shape))
    return blurred[0]
