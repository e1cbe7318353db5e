"""The parts of the published method against tables computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from RSuperLib.bench.published import ema_alpha, learning_rate, window_starts
from RSuperLib.io import InputError
from RSuperLib.supervision import ball_loss, segmentation_loss, volume_loss
from RSuperLib.supervision.correlate import correlate, fast_length
from RSuperLib.supervision.lesion_channels import lesion_groups, merge_lesions
from RSuperLib.supervision.published_ball import isolate_lesions, rank_weights
from RSuperLib.supervision.published_shapes import ball, dilate, gaussian_ball
from RSuperLib.supervision.published_targets import (
    SelectionRow,
    crop_options,
    ellipsoid,
    option_sizes,
    select_cases,
    unknown_parts,
)
from RSuperLib.supervision.published_volume import volume_disagreement
from RSuperLib.supervision.segmentation import dice_of
from RSuperLib.supervision.sums import ChannelSums, channel_sums

SHAPE = (1, 1, 4, 4, 4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("diameter", "edge", "voxels"),
    [(1, 3, 1), (2, 5, 19), (3, 5, 19), (4, 7, 81), (6.5, 9, 179)],
)
def test_balls_hold_the_voxels_that_one_counts(diameter: float, edge: int, voxels: int) -> None:
    kernel = ball(diameter)
    assert kernel.shape == (edge,) * 3
    assert int(kernel.sum()) == voxels


def test_gaussian_ball_of_three_voxels() -> None:
    weights = gaussian_ball(3)  # sigma 2.25: neighbours exp(-1 / 10.125), diagonals exp(-2 / 10.125)
    near, far = math.exp(-1 / 10.125), math.exp(-2 / 10.125)
    total = 1 + 6 * near + 12 * far
    assert weights[2, 2, 2].item() == pytest.approx(1 / total)
    assert weights[2, 2, 3].item() == pytest.approx(near / total)
    assert weights[2, 3, 3].item() == pytest.approx(far / total)


@pytest.mark.parametrize(("size", "along", "diagonal"), [(1, 0, 0), (2, 1, 1), (5, 2, 1), (9, 4, 3), (31, 15, 10)])
def test_dilation_reaches_as_far_as_its_passes(size: int, along: int, diagonal: int) -> None:
    seed = torch.zeros(40, 40, 40, dtype=torch.bool)
    seed[20, 20, 20] = True
    grown = dilate(seed, size)
    assert int(grown[20, 20].sum()) == 2 * along + 1
    assert int(grown[20].diagonal().sum()) == 2 * diagonal + 1


def test_correlation_by_fft_is_the_sum_under_the_kernel() -> None:
    image = torch.rand(2, 7, 5, 9, dtype=torch.float64)
    for diameter in (3.0, 11.0):  # the larger kernel is wider than the image
        kernel = gaussian_ball(diameter)
        dense = torch.conv3d(image[:, None], kernel[None, None], padding=len(kernel) // 2)[:, 0]
        assert torch.allclose(correlate(image, gaussian_ball, diameter), dense, atol=1e-12)


@pytest.mark.parametrize(("n", "length"), [(1, 2), (7, 8), (13, 16), (17, 18), (121, 128), (128, 128)])
def test_lengths_that_are_fast(n: int, length: int) -> None:
    assert fast_length(n) == length


@pytest.mark.parametrize(
    ("tolerance", "reported", "predicted", "loss", "slope"),
    [
        # f(0) = 0: nothing asked, nothing found; 500 mm3 too much are half of the way.
        (0.1, 0, 0, 0.0, 0.0),
        (0.1, 0, 500, 0.5, 500 / 1000**2),
        # Up to 100 mm3 there is no tolerance: (100 - 0) / 600.
        (0.2, 100, 0, 1 / 6, -700 / 600**2),
        # f(500) - f(900) = 500 / 2000 - 100 / 2400.
        (0.1, 1000, 500, 1 / 4 - 1 / 24, -2500 / 2000**2),
        (0.1, 1000, 1000, 0.0, 0.0),
        (0.1, 1000, 1050, 0.0, 0.0),
    ],
)
def test_volume_disagreement_by_hand(
    tolerance: float, reported: float, predicted: float, loss: float, slope: float
) -> None:
    volume = torch.tensor(float(predicted), dtype=torch.float64, requires_grad=True)
    found = volume_disagreement(volume, torch.tensor(float(reported), dtype=torch.float64), tolerance)
    (gradient,) = torch.autograd.grad(found, volume)
    assert found.item() == pytest.approx(loss, abs=1e-12)
    assert gradient.item() == pytest.approx(slope, abs=1e-12)


def test_rank_weights_by_hand() -> None:
    weights = rank_weights(torch.tensor([0.2, 0.9, 0.5, 0.1], dtype=torch.float64), 2, 0.75, hard_cutoff=False)
    raw = [0.25**1, 1.0, 0.25**0.5, 0.25**1.5]
    assert weights.tolist() == pytest.approx([value / sum(raw) for value in raw])
    cut = rank_weights(torch.tensor([0.2, 0.9, 0.5, 0.1], dtype=torch.float64), 2, 0.75, hard_cutoff=True)
    assert cut.tolist() == pytest.approx([0, 2 / 3, 1 / 3, 0])


def test_dice_by_hand() -> None:
    """TP 1.7, FP 0.3, FN 0.3: a = 0.5."""
    one = [torch.full((1, 1), value, dtype=torch.float64) for value in (1.7, 0.3, 0.3, 0.0)]
    assert dice_of(ChannelSums(*one)).item() == pytest.approx(1 - 1.7 / 2.0, abs=1e-4)


def test_dice_of_an_absent_class_has_a_gradient_only_if_asked() -> None:
    false = torch.full((1, 1), 40.0, dtype=torch.float64, requires_grad=True)
    none = torch.zeros(1, 1, dtype=torch.float64)
    sums = ChannelSums(false * 0, false, none, none)
    published, ours = dice_of(sums).sum(), dice_of(sums, empty_voxels=32.0).sum()
    assert published.item() == 1
    assert torch.autograd.grad(published, false, retain_graph=True)[0].item() == 0
    assert ours.item() == pytest.approx(0.5)  # 0.8 * 40 = 32, as much as is half-way
    assert torch.autograd.grad(ours, false)[0].item() == pytest.approx(0.8 * 32 / 64**2, rel=1e-5)


def test_closed_form_sums_are_those_of_whole_tensors() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 6, 7, dtype=torch.float64)
    t, k = torch.rand_like(x) > 0.5, torch.rand_like(x)
    p = x.sigmoid()
    expected = [k * p * t, k * p * ~t, k * (1 - p) * t, k * torch.nn.functional.softplus(torch.where(t, -x, x))]
    for ours, tensor in zip(channel_sums(x, t, k), expected, strict=True):
        assert torch.allclose(ours, tensor.sum((2, 3, 4)))


def test_closed_form_gradient() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 2, 2, 2, 1, dtype=torch.float64, requires_grad=True)
    t, k = torch.rand_like(x) > 0.5, torch.rand_like(x) > 0.2
    assert gradcheck(lambda one: channel_sums(one, t, k), (x,))
    assert gradcheck(lambda one: channel_sums(one, t), (x,))
    assert gradcheck(lambda one: segmentation_loss(one, t, k, mode="reference"), (x,))
    assert gradcheck(lambda one: segmentation_loss(one, torch.zeros_like(t), k), (x,))


def test_long_channels_are_summed_in_pieces() -> None:
    x = torch.zeros(1, 1, 48, 48, 48, requires_grad=True)  # more than one piece, the last one shorter
    bce, _ = segmentation_loss(x, torch.zeros_like(x))
    bce.backward()
    assert bce.item() == pytest.approx(math.log(2))
    assert torch.allclose(x.grad, torch.full_like(x, 0.5 / x.numel()))


def test_half_precision_logits_are_summed_in_single_precision() -> None:
    x = torch.full((1, 1, 48, 48, 48), 3.0, dtype=torch.bfloat16, requires_grad=True)
    sums = channel_sums(x, torch.ones_like(x))
    sums.true_positive.sum().backward()
    assert sums.true_positive.item() == pytest.approx(48**3 / (1 + math.exp(-3)), rel=1e-4)
    assert x.grad.dtype == torch.bfloat16


def test_published_volume_loss_by_hand() -> None:
    """8 voxels of probability 0.5 in a part of the whole crop: P = 32 of V = 33; a labelled channel counts nothing."""
    logits = torch.zeros(SHAPE, dtype=torch.float64)
    segment = torch.ones(SHAPE, dtype=torch.bool)
    none = torch.zeros(SHAPE, dtype=torch.bool)
    volumes = torch.tensor([[40.0, 8.0]])
    loss = volume_loss(logits, none, segment, segment, volumes, mode="reference")
    assert loss.item() == pytest.approx((48 - 32) / (48 + 32 + 500))
    labelled = volume_loss(logits, segment, none, segment, volumes, mode="reference")
    assert labelled.item() == pytest.approx(48 / 548)
    spaced = volume_loss(logits, none, segment, segment, volumes, mode="reference", spacing=(1, 1, 1.5))
    assert spaced.item() == pytest.approx(0, abs=1e-9)


def test_published_search_asks_for_the_ball_whatever_the_volume() -> None:
    logits = torch.full((20, 20, 20), -6.0)
    logits[10, 10, 10] = 4.0
    logits += torch.arange(8000).reshape(20, 20, 20) * 1e-6
    found = isolate_lesions(
        logits, torch.ones_like(logits, dtype=torch.bool), torch.tensor([33.5]), torch.tensor([[4.0, 4.0, 4.0]])
    )
    assert [(one.diameter, one.volume, one.centre) for one in found] == [(5, 80, (10, 10, 10))]
    assert [int(mask.sum()) for mask in (found[0].normal, found[0].small, found[0].big)] == [80, 80, 96]


def test_published_search_of_an_empty_map_takes_the_first_corner() -> None:
    nothing = torch.zeros(12, 12, 12, dtype=torch.bool)
    found = isolate_lesions(torch.zeros(12, 12, 12), nothing, torch.tensor([5.0]), torch.tensor([[2.0, 2.0, 2.0]]))
    assert found[0].centre == (0, 0, 0)
    assert not found[0].normal.any()


def test_reference_mode_refuses_what_the_published_code_refuses() -> None:
    logits = torch.zeros(1, 2, 8, 8, 8)
    none, all_voxels = torch.zeros_like(logits, dtype=torch.bool), torch.ones_like(logits, dtype=torch.bool)
    one_part = all_voxels.clone()
    one_part[:, 1] = False
    sizes = torch.tensor([[30.0]]), torch.tensor([[[4.0, 4.0, 4.0]]])
    with pytest.raises(InputError, match="more than one lesion channel"):
        ball_loss(logits, none, all_voxels, all_voxels, *sizes, mode="reference")
    with pytest.raises(InputError, match="without diameters"):
        ball_loss(logits, none, one_part, one_part, sizes[0], torch.zeros(1, 1, 3), mode="reference")
    with pytest.raises(InputError, match="does not fit its diameters"):
        ball_loss(logits, none, one_part, one_part, torch.tensor([[9e4]]), sizes[1], mode="reference")


def test_lesion_channels_are_merged_by_organ() -> None:
    groups = lesion_groups(["liver", "pancreatic_pdac", "kidney_lesion", "pancreatic_cyst", "pancreatic_lesion"])
    assert groups == {"pancreas_lesion": [1, 3, 4], "kidney_lesion": [2]}
    values = torch.arange(5.0).reshape(1, 5, 1)
    assert merge_lesions(values, groups).flatten().tolist() == [4.0, 2.0]


@pytest.mark.parametrize(
    ("size", "volume", "diameters"),
    [
        ("15.0", math.pi / 6 * 15**3, (15, 15, 15)),
        ("20 x 10", math.pi / 6 * 20 * 10 * 15, (20, 10, 15)),
        ("4 x 3 x 2", math.pi / 6 * 24, (4, 3, 2)),
    ],
)
def test_sizes_are_ellipsoids(size: str, volume: float, diameters: tuple[float, ...]) -> None:
    assert ellipsoid(size) == (pytest.approx(volume), diameters)


@pytest.mark.parametrize("size", ["", "u", "multiple", "1 x 2 x 3 x 4"])
def test_other_sizes_are_refused(size: str) -> None:
    with pytest.raises(InputError, match="one to three diameters"):
        ellipsoid(size)


def test_crop_options_merge_parts_that_share_a_row_once() -> None:
    rows = [("pancreas", "body / head", "22"), ("pancreas", "tail", "9"), ("liver", "segment 4", "u")]
    assert crop_options(rows) == [["body", "head"], ["body", "head"], ["tail"]]
    assert option_sizes(rows, ["tail"])[1] == [(9, 9, 9)]
    assert unknown_parts(rows)["pancreatic_lesion"] == ["pancreas_head", "pancreas_body", "pancreas_tail"]


def test_cases_are_selected_as_published() -> None:
    def row(case: str, organ: str, place: str | None, size: str, no_lesion: bool = False) -> SelectionRow:
        return SelectionRow(case, organ, place, size, "no", no_lesion)

    rows = [
        row("kept", "pancreas", "head", "12.0"),
        row("zero", "pancreas", "head", "0.0 x 3.0"),
        row("unsized", "pancreas", "head", "U"),
        row("sideless", "kidney", "u", "12.0"),
        row("elsewhere", "liver", "segment 4", "12.0"),
        *(row(f"negative {n}", "no lesion", None, "U", True) for n in range(5)),
    ]
    chosen = select_cases(rows, ["pancreas", "kidney"])
    assert chosen[0] == "kept"
    assert len(chosen) == 2  # as many negatives as there are positives of an organ
    assert chosen[1].startswith("negative")


def test_schedules() -> None:
    assert learning_rate(5, 100, 5, 1e-3) == pytest.approx(1e-3)
    assert learning_rate(0, 100, 5, 1e-3) == pytest.approx(1e-3 * math.exp(-10))
    assert learning_rate(50, 100, 5, 1e-3) == pytest.approx(1e-3 * 0.5**0.9)
    assert (ema_alpha(0), ema_alpha(1), ema_alpha(10**6)) == (0, 0.5, 0.99)
    assert window_starts(192, 128) == [0, 64, 64]
