"""Sums under a symmetric kernel at every voxel, by FFT: the cost does not grow with the kernel."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

#: Makes the kernel that its arguments describe, (kd, kh, kw) with odd edges, point symmetric.
KernelMaker = Callable[..., Tensor]


def correlate(images: Tensor, maker: KernelMaker, *describes: Hashable) -> Tensor:
    """Sum of an image under the kernel centred at each voxel; outside the image is 0.

    Args:
        images: (..., D, H, W) float32 or float64.
        maker: gives the kernel, `maker(*describes)`; its spectrum is remembered for these arguments.
        describes: hashable arguments of the maker.

    Returns:
        (..., D, H, W), with rounding errors of about 1e-7 (float32) or 1e-15 of the largest value.
    """
    shape = tuple(images.shape[-3:])
    spectrum, padded = _spectrum(maker, describes, shape, images.dtype, images.device)
    product = torch.fft.rfftn(images, padded) * spectrum
    sums: Tensor = torch.fft.irfftn(product, padded)[..., : shape[0], : shape[1], : shape[2]]
    return sums


@lru_cache(maxsize=32)
def _spectrum(
    maker: KernelMaker, describes: tuple[Hashable, ...], shape: Sequence[int], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, tuple[int, ...]]:
    kernel = maker(*describes)
    # Padding by the kernel's reach sends what wraps around into the padding; offsets beyond the image reach nothing.
    reach = [min(edge // 2, size - 1) for edge, size in zip(kernel.shape, shape, strict=True)]
    padded = tuple(fast_length(size + r) for size, r in zip(shape, reach, strict=True))
    middle = tuple(slice(edge // 2 - r, edge // 2 + r + 1) for edge, r in zip(kernel.shape, reach, strict=True))
    periodic = torch.zeros(padded, dtype=dtype)
    index = [torch.arange(-r, r + 1) % n for r, n in zip(reach, padded, strict=True)]
    periodic[torch.meshgrid(*index, indexing="ij")] = kernel[middle].to(dtype)
    # The kernel is symmetric, so that its spectrum is real.
    return torch.fft.rfftn(periodic).real.to(device), padded


def fast_length(n: int) -> int:
    """The smallest even product of 2, 3 and 5 that is at least n: lengths that every FFT library is fast at."""
    length = n + n % 2
    while _without_small_factors(length) != 1:
        length += 2
    return length


def _without_small_factors(n: int) -> int:
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n
