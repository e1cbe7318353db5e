"""The project's own losses: every departure from the published method, invariances, odd reports, any spacing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from RSuperLib.io import InputError
from RSuperLib.supervision import BallOptions, VolumeOptions, ball_loss, volume_loss
from RSuperLib.supervision.ball import area_of, boxed
from RSuperLib.supervision.inputs import check_inputs, check_sizes
from RSuperLib.supervision.pseudo_masks import PseudoMask, pseudo_mask
from RSuperLib.supervision.shapes import envelope, equal_ball
from RSuperLib.supervision.targets import ellipsoid_volume, lesion_of_numbers, targets_of_tensors
from RSuperLib.supervision.volume import interval_error

EDGE = 40
Spot = tuple[tuple[float, ...], float | Sequence[float]]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def field(*spots: Spot, shape: tuple[int, int, int] = (EDGE,) * 3, spacing: Sequence[float] = (1, 1, 1)) -> Tensor:
    """(D, H, W) logits: -5, and up to +4 in Gaussian spots ((centre in voxels), radius or radii in mm)."""
    index = torch.stack(torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij"), -1).double()
    logits = torch.full(shape, -5.0, dtype=torch.float64)
    for centre, radius in spots:
        offsets = (index - torch.tensor(centre)) * torch.tensor(spacing) / torch.tensor(radius, dtype=torch.float64)
        logits += 9 * torch.exp(-offsets.square().sum(-1) * math.log(9 / 5))  # 0 on the surface
    ties = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return logits + 1e-4 * ties


def whole(shape: tuple[int, ...] = (EDGE,) * 3, margin: int = 4) -> Tensor:
    """(D, H, W) bool: all but a margin."""
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[tuple(slice(margin, n - margin) for n in shape)] = True
    return mask


def sizes(*diameters: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Volumes (1, K) and diameters (1, K, 3) of ellipsoids."""
    rows = torch.tensor([list(one) for one in diameters], dtype=torch.float64)
    return rows.prod(1)[None] * math.pi / 6, rows[None]


def losses(
    logits: Tensor,
    segment: Tensor,
    reported: tuple[Tensor, Tensor],
    spacing: Sequence[float] = (1, 1, 1),
    options: BallOptions | None = None,
) -> tuple[float, float]:
    """(bce, dice) of one sample with one channel."""
    x, part = logits[None, None], segment[None, None]
    none = torch.zeros_like(part)
    bce, dice = ball_loss(x, none, part, part, *reported, spacing=spacing, options=options)
    return bce.item(), dice.item()


def found(
    logits: Tensor,
    segment: Tensor,
    reported: tuple[Tensor, Tensor],
    spacing: Sequence[float] = (1, 1, 1),
    options: BallOptions | None = None,
) -> tuple[PseudoMask, list[list[int]]]:
    """The pseudo-mask of one sample with one channel, in its box, and the centres in the crop."""
    options = options or BallOptions()
    x, part = logits[None, None], segment[None, None]
    inputs = check_inputs(x, torch.zeros_like(part), part, part, spacing)
    target = targets_of_tensors(inputs, *check_sizes(*reported, 1), options.margin, options.grow_mm)[0][0]
    inner = boxed(logits, target.box)
    mask = pseudo_mask(inner, target, area_of(inner, target, inputs.spacing, None), options)
    corner = [part.start for part in target.box]
    return mask, [[c + o for c, o in zip(one.centre.tolist(), corner, strict=True)] for one in mask.lesions]


def core_sizes(mask: PseudoMask) -> list[int]:
    return [int(one.core.sum()) for one in mask.lesions]


# The departures, one by one


def test_the_reported_volume_is_asked_for_not_that_of_the_ball() -> None:
    logits, reported = field(((20, 20, 20), (9, 3, 3))), sizes((18, 6, 6))
    ours, _ = found(logits, whole(), reported)
    options = BallOptions(reported_volume=False, ellipsoid=False)
    ablated, _ = found(logits, whole(), reported, options=options)
    assert core_sizes(ours) == [round(0.8 * math.pi / 6 * 18 * 6 * 6)]
    assert core_sizes(ablated) == [round(0.8 * math.pi / 6 * 18**3)]


def test_an_elongated_lesion_gets_an_elongated_envelope() -> None:
    """Beside it lies a spot that a ball of the largest diameter reaches and the ellipsoid does not."""
    logits = field(((20, 20, 20), (10, 3, 3)), ((20, 20, 27), 2.5))
    strangers = torch.zeros(EDGE, EDGE, EDGE, dtype=torch.bool)
    strangers[17:24, 17:24, 26:30] = True
    taught = []
    for options in (BallOptions(), BallOptions(ellipsoid=False)):
        mask, _ = found(logits, whole(margin=0), sizes((20, 6, 6)), options=options)
        wide = torch.zeros(EDGE**3 + 1, dtype=torch.bool)
        wide[mask.lesions[0].index[mask.lesions[0].wide]] = True
        taught.append(int((wide[:-1].reshape(EDGE, EDGE, EDGE) & strangers).sum()))
    assert taught[0] == 0
    assert taught[1] > 10


@pytest.mark.parametrize("radii", [(9.0, 3.0, 3.0), (3.0, 9.0, 3.0), (3.0, 3.0, 9.0)])
def test_the_envelope_turns_to_where_the_lesion_is_long(radii: Sequence[float]) -> None:
    mask, centres = found(field(((20, 20, 20), radii)), whole(margin=0), sizes((18, 6, 6)))
    assert centres == [[20, 20, 20]]
    core = mask.positive.nonzero()
    extent = core.amax(0) - core.amin(0)
    assert int(extent.argmax()) == radii.index(9.0)
    assert extent.max() > 2 * extent.median()


def test_centres_lie_in_the_part() -> None:
    """A strong spot 10 mm outside the part and a weak one inside."""
    part = torch.zeros(EDGE, EDGE, EDGE, dtype=torch.bool)
    part[8:20, 8:32, 8:32] = True
    logits = field(((30, 20, 20), 5), ((13, 20, 20), 4)) - 1
    logits[25:] += 2
    _, centres = found(logits, part, sizes((9, 9, 9)))
    _, ablated = found(logits, part, sizes((9, 9, 9)), options=BallOptions(inside_part=False))
    assert centres == [[13, 20, 20]]
    assert abs(ablated[0][0] - 30) <= 2


def test_foreground_and_background_have_their_own_counts() -> None:
    """A missed small lesion costs as much in a large crop as in a small one."""
    costs = {}
    for edge in (24, 48):
        logits = torch.full((edge,) * 3, -6.0, dtype=torch.float64)
        part = torch.zeros((edge,) * 3, dtype=torch.bool)
        part[8:16, 8:16, 8:16] = True
        for own in (True, False):
            costs[edge, own] = losses(logits, part, sizes((4, 4, 4)), options=BallOptions(own_counts=own))[0]
    assert costs[24, True] == pytest.approx(6.0 / 2, rel=0.01)
    assert costs[48, True] == pytest.approx(costs[24, True], rel=0.01)
    assert costs[48, False] < 0.2 * costs[24, False] < 0.02


@pytest.mark.parametrize(("empty_mm3", "teaches"), [(500.0, True), (0.0, False)])
def test_dice_teaches_against_false_voxels_where_nothing_is_reported(empty_mm3: float, teaches: bool) -> None:
    x = field(((20, 20, 20), 5))[None, None].requires_grad_()
    none = torch.zeros(x.shape, dtype=torch.bool)
    _, dice = ball_loss(
        x, none, none, none, torch.zeros(1, 3), torch.zeros(1, 3, 3), options=BallOptions(empty_dice_mm3=empty_mm3)
    )
    (gradient,) = torch.autograd.grad(dice, x)
    assert bool((gradient > 0).all()) is teaches
    assert (0.2 < dice.item() < 0.9) is teaches


def test_lesions_are_placed_together_and_apart() -> None:
    """Two unequal spots, the small one faint: greedily, the small lesion takes what the large one leaves."""
    logits = field(((20, 13, 20), 7), ((20, 32, 20), 3.5))
    logits[:, 26:] -= 3
    reported = sizes((12, 12, 12), (6, 6, 6))
    _, joint = found(logits, whole(margin=1), reported)
    _, greedy = found(logits, whole(margin=1), reported, options=BallOptions(joint=False))
    assert joint == [[20, 13, 20], [20, 32, 20]]
    assert math.dist(*greedy) < 9


def test_joint_placement_gives_each_blob_to_the_lesion_of_its_size() -> None:
    logits = field(((12, 12, 12), 4), ((27, 27, 27), 7))
    _, centres = found(logits, whole(margin=1), sizes((8, 8, 8), (14, 14, 14)))
    assert centres == [[27, 27, 27], [12, 12, 12]]


def test_no_voxel_belongs_to_two_lesions() -> None:
    logits = field(((20, 15, 20), 5), ((20, 24, 20), 5))
    mask, _ = found(logits, whole(margin=1), sizes((10, 10, 10), (9, 9, 9)))
    first, second = (set(one.index[one.core].tolist()) for one in mask.lesions)
    assert first
    assert second
    assert not first & second
    assert int((mask.positive > 0).sum()) == sum(core_sizes(mask))


def test_a_flat_output_gives_a_compact_lesion_in_the_part() -> None:
    logits = torch.zeros((EDGE,) * 3, dtype=torch.float64)
    mask, centres = found(logits, whole(margin=12), sizes((9, 9, 9)))
    core = mask.positive.nonzero().double()
    assert (core - core.mean(0)).norm(dim=1).max() < 5.5
    assert all(12 - 5 <= c < EDGE - 12 + 5 for c in centres[0])


def test_unknown_sizes_teach_that_a_lesion_is_there_and_nothing_else() -> None:
    x = field(((20, 20, 20), 3))[None, None].requires_grad_()
    part, none = whole()[None, None], torch.zeros(x.shape, dtype=torch.bool)
    bce, dice = ball_loss(x, none, part, part, torch.zeros(1, 3), torch.zeros(1, 3, 3))
    (gradient,) = torch.autograd.grad(bce + dice, x)
    assert (gradient < 0).any()
    assert not (gradient > 0).any()
    least = ellipsoid_volume((4, 4, 4))
    volume = volume_loss(torch.full_like(x, -20.0), none, part, part, torch.zeros(1, 3))
    assert volume.item() == pytest.approx(least / (least + 500), rel=1e-3)
    assert volume_loss(torch.full_like(x, 20.0), none, part, part, torch.zeros(1, 3)).item() == 0


def test_the_volume_loss_teaches_against_false_voxels_where_nothing_is_reported() -> None:
    x = torch.zeros(1, 2, 10, 10, 10, dtype=torch.float64)
    none = torch.zeros(x.shape, dtype=torch.bool)
    ours = volume_loss(x, none, none, none, torch.zeros(1, 1))
    ablated = volume_loss(x, none, none, none, torch.zeros(1, 1), options=VolumeOptions(negatives=False))
    assert (ours.item(), ablated.item()) == (pytest.approx(500 / 1000), 0.0)


def test_channels_with_nothing_to_teach_do_not_thin_out_the_volume_loss() -> None:
    x = torch.full((1, 3, 12, 12, 12), -30.0, dtype=torch.float64)
    part = torch.zeros(x.shape, dtype=torch.bool)
    part[0, 1] = True
    none = torch.zeros_like(part)
    ours = volume_loss(x, none, part, part, torch.tensor([[1000.0]]))
    ablated = volume_loss(x, none, part, part, torch.tensor([[1000.0]]), options=VolumeOptions(active_only=False))
    assert ours.item() == pytest.approx(800 / 1300)
    assert ablated.item() == pytest.approx(ours.item() / 3)


@pytest.mark.parametrize(
    ("predicted", "error"),
    [(0, 100 / 600), (50, 50 / 650), (100, 0), (300, 0), (500, 200 / 1300), (1e9, 1)],
)
def test_interval_error_by_hand(predicted: float, error: float) -> None:
    assert interval_error(torch.tensor(float(predicted)), 100, 300, 500).item() == pytest.approx(error, abs=1e-5)


# Gradients


def test_gradients_of_the_ball_loss() -> None:
    """The pseudo-mask is constant: the numerical gradient must not move a voxel in or out, so the step is small."""
    logits = field(((2, 2, 2), 1.5), shape=(5, 4, 4))[None, None]
    part, none = torch.ones(logits.shape, dtype=torch.bool), torch.zeros(logits.shape, dtype=torch.bool)
    options = BallOptions(border_mm=1)
    assert gradcheck(
        lambda x: ball_loss(x, none, part, part, *sizes((3, 3, 3)), options=options),
        (logits.requires_grad_(),), eps=1e-7, atol=1e-5,
    )  # fmt: skip


def test_gradients_of_the_volume_loss() -> None:
    logits = field(((2, 2, 2), 2.0), shape=(4, 3, 3))[None, None].repeat(1, 2, 1, 1, 1).requires_grad_()
    part, none = torch.ones(logits.shape, dtype=torch.bool), torch.zeros(logits.shape, dtype=torch.bool)
    part[:, 1] = False
    for volume in (5.0, 90.0):
        assert gradcheck(lambda x, v=volume: volume_loss(x, none, part, part, torch.tensor([[v]])), (logits,))


def test_a_step_downhill_finds_the_reported_lesion() -> None:
    """Weak evidence and a report: gradient descent on the logits makes one lesion of about the reported volume."""
    x = (0.3 * field(((20, 20, 20), 6)) - 2)[None, None].float().requires_grad_()
    part, none = whole(margin=6)[None, None], torch.zeros(x.shape, dtype=torch.bool)
    reported = sizes((12, 12, 12))
    optimiser = torch.optim.Adam([x], lr=0.3)
    for _ in range(25):
        optimiser.zero_grad()
        (sum(ball_loss(x, none, part, part, *reported)) + volume_loss(x, none, part, part, reported[0])).backward()
        optimiser.step()
    predicted = x[0, 0].detach() > 0
    assert 0.75 < predicted.sum() / reported[0].item() < 1.5
    inside = torch.stack(torch.meshgrid(*[torch.arange(EDGE)] * 3, indexing="ij"), -1)[predicted].float()
    assert (inside.mean(0) - 20).abs().max() < 1


# Invariances


def test_the_order_of_the_lesions_does_not_matter() -> None:
    logits, diameters = field(((12, 12, 12), 4), ((27, 27, 27), 7), ((27, 12, 20), 3)), [(8,) * 3, (14,) * 3, (6,) * 3]
    one = losses(logits, whole(), sizes(*diameters))
    other = losses(logits, whole(), sizes(*diameters[::-1]))
    assert one == pytest.approx(other, abs=1e-12)


def test_where_the_crop_begins_does_not_matter() -> None:
    logits, part = field(((18, 17, 16), 5)), whole(margin=14)
    reported = sizes((9, 8, 7))
    moved = [torch.roll(one, (3, 4, 5), (0, 1, 2)) for one in (logits, part)]
    options = BallOptions(grow_mm=8)  # nothing reaches the borders
    one, other = losses(logits, part, reported, options=options), losses(*moved, reported, options=options)
    assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_the_axes_does_not_matter(axes: tuple[int, int, int]) -> None:
    logits, part = field(((18, 22, 16), (9, 3, 5))), whole(margin=6)
    reported = sizes((18, 6, 10))
    turned = losses(logits.permute(axes).contiguous(), part.permute(axes).contiguous(), reported)
    assert losses(logits, part, reported) == pytest.approx(turned, rel=0.02)


def test_millimetres_count_not_voxels() -> None:
    """Everything twice as large on voxels twice as large is the same; only volumes in mm3 have a scale of their own."""
    logits, part = field(((20, 20, 20), 5)), whole()
    options = BallOptions(grow_mm=10, centre_mm=5, border_mm=3, empty_dice_mm3=100)
    doubled = replace(options, grow_mm=20, centre_mm=10, border_mm=6, empty_dice_mm3=800)
    one = losses(logits, part, sizes((9, 8, 7)), options=options)
    other = losses(logits, part, sizes((18, 16, 14)), (2, 2, 2), options=doubled)
    assert one == pytest.approx(other, abs=1e-9)
    x, segment, none = logits[None, None], part[None, None], torch.zeros(1, 1, EDGE, EDGE, EDGE, dtype=torch.bool)
    volumes = [
        volume_loss(
            x, none, segment, segment, torch.tensor([[100.0 * scale**3]]), spacing=(scale,) * 3,
            options=VolumeOptions(grow_mm=10 * scale, softening_mm3=500 * scale**3),
        ).item()
        for scale in (1.0, 2.0)
    ]  # fmt: skip
    assert volumes[0] == pytest.approx(volumes[1])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.8, 0.8), (0.7, 0.7, 3.0), (2.5, 1.5, 0.9)])
def test_any_spacing_finds_the_lesion_and_its_volume(spacing: tuple[float, float, float]) -> None:
    shape = tuple(int(40 / step) for step in spacing)
    centre = tuple(n // 2 for n in shape)
    logits = field((centre, 6), shape=shape, spacing=spacing)
    mask, centres = found(logits, whole(shape, 1), sizes((12, 12, 12)), spacing)
    assert centres == [list(centre)]
    reported = math.pi / 6 * 12**3
    assert core_sizes(mask)[0] * math.prod(spacing) == pytest.approx(0.8 * reported, rel=0.02)


def test_the_batch_is_the_mean_of_its_samples() -> None:
    first, second = field(((20, 20, 20), 5)), field(((12, 24, 20), 3))
    part, reported = whole(), [sizes((10, 10, 10)), sizes((6, 6, 6))]
    x, segment = torch.stack([first, second])[:, None], torch.stack([part, part])[:, None]
    none = torch.zeros_like(segment)
    both = ball_loss(x, none, segment, segment, *(torch.cat(pair) for pair in zip(*reported, strict=True)))
    single = [losses(logits, part, one) for logits, one in zip((first, second), reported, strict=True)]
    assert [one.item() for one in both] == pytest.approx([sum(pair) / 2 for pair in zip(*single, strict=True)])


# Odd reports and wrong calls


@pytest.mark.parametrize(
    ("volume", "diameters"),
    [
        (0.0, (0.0, 0.0, 0.0)), (math.nan, (math.nan, 1.0, 1.0)), (math.inf, (3.0, 3.0, 3.0)), (-5.0, (4.0, 4.0, 4.0)),
        (1e9, (900.0, 900.0, 900.0)), (1e-3, (0.1, 0.1, 0.1)), (50.0, (0.0, 0.0, 0.0)), (0.0, (5.0, 0.0, 0.0)),
        (500.0, (2.0, 2.0, 2.0)), (1.0, (40.0, 40.0, 40.0)), (20.0, (-1.0, 4.0, 0.0)),
    ],
)  # fmt: skip
def test_odd_numbers_never_stop_a_step(volume: float, diameters: tuple[float, float, float]) -> None:
    x = field(((8, 8, 8), 3), shape=(16, 16, 16))[None, None].requires_grad_()
    part, none = whole((16, 16, 16), 3)[None, None], torch.zeros(x.shape, dtype=torch.bool)
    volumes = torch.tensor([[volume, 30.0]])
    rows = torch.tensor([[diameters, (4.0, 4.0, 4.0)]])
    terms = (*ball_loss(x, none, part, part, volumes, rows), volume_loss(x, none, part, part, volumes))
    (gradient,) = torch.autograd.grad(sum(terms), x)
    assert all(math.isfinite(term.item()) for term in terms)
    assert gradient.isfinite().all()


def test_thirty_lesions_in_a_part_that_holds_five() -> None:
    logits = field(((8, 8, 8), 3), shape=(16, 16, 16))
    bce, dice = losses(logits, whole((16, 16, 16), 5), sizes(*[(6, 6, 6)] * 30))
    assert math.isfinite(bce)
    assert 0 <= dice <= 1


def test_a_part_at_the_border_or_of_one_voxel() -> None:
    part = torch.zeros((EDGE,) * 3, dtype=torch.bool)
    part[0, 0, 0] = True
    mask, centres = found(field(((1, 1, 1), 4)), part, sizes((8, 8, 8)))
    assert max(centres[0]) <= 5
    assert 0 < core_sizes(mask)[0] <= 214


def test_a_reported_lesion_outside_the_crop_teaches_nothing_but_what_is_known() -> None:
    logits = field(((20, 20, 20), 5))
    nothing = torch.zeros((EDGE,) * 3, dtype=torch.bool)
    assert losses(logits, nothing, sizes((10, 10, 10))) == losses(logits, nothing, sizes((0, 0, 0)))


def test_labelled_voxels_are_left_to_the_mask() -> None:
    logits = field(((20, 20, 20), 5))
    x, part = logits[None, None].requires_grad_(), whole()[None, None]
    labels = torch.zeros_like(part)
    labels[..., 14:27, 14:27, 14:27] = True
    terms = ball_loss(x, labels, part, part, *sizes((8, 8, 8)))
    (gradient,) = torch.autograd.grad(sum(terms), x)
    assert not gradient[labels].any()


def test_half_precision_and_float_masks_and_samples_without_batch() -> None:
    logits, part = field(((20, 20, 20), 5)), whole()
    expected = losses(logits, part, sizes((10, 10, 10)))
    half = logits[None].bfloat16()
    segment = part[None].float()
    volumes, diameters = sizes((10, 10, 10))
    bce, dice = ball_loss(half, torch.zeros_like(segment), segment, segment, volumes[0], diameters[0])
    assert (bce.item(), dice.item()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"logits": torch.zeros(8, 8, 8)}, r"not \(B, C, D, H, W\)"),
        ({"labels": torch.zeros(1, 1, 8, 8, 7)}, "labels has the shape"),
        ({"segment": torch.zeros(1, 2, 8, 8, 8)}, "segment has the shape"),
        ({"logits": torch.zeros(1, 1, 8, 8, 8, dtype=torch.int64)}, "no floating point"),
        ({"volumes": torch.zeros(2, 4)}, "volumes has the shape"),
        ({"diameters": torch.zeros(1, 4, 2)}, "diameters has the shape"),
        ({"spacing": (1.0, 0.0, 1.0)}, "three positive millimetres"),
        ({"spacing": (1.0, 1.0)}, "three positive millimetres"),
    ],
)
def test_wrong_calls_are_named(change: dict[str, object], words: str) -> None:
    cube = torch.zeros(1, 1, 8, 8, 8)
    call = {
        "logits": cube, "labels": cube, "unknown": cube, "segment": cube, "volumes": torch.zeros(1, 4),
        "diameters": torch.zeros(1, 4, 3), "spacing": (1.0, 1.0, 1.0),
    } | change  # fmt: skip
    with pytest.raises(InputError, match=words):
        ball_loss(**call)


def test_two_channels_with_a_segment_need_targets_of_their_own() -> None:
    cube = torch.ones(1, 2, 8, 8, 8)
    with pytest.raises(InputError, match="2 channels, but one list of lesions"):
        ball_loss(cube, 0 * cube, cube, cube, *sizes((4, 4, 4)))


@pytest.mark.parametrize(
    ("volume", "diameters", "expected"),
    [(0.0, (0, 0, 0), None), (100.0, (0, 0, 0), 5.76), (0.0, (6, 0, 0), 6.0), (100.0, (8, 6, 4), 5.77)],
)
def test_lesions_of_tensors(volume: float, diameters: Sequence[float], expected: float | None) -> None:
    lesion = lesion_of_numbers(volume, diameters, 0.2)
    assert (lesion is None) == (expected is None)
    if lesion is not None:
        assert equal_ball(lesion.diameters_mm) == pytest.approx(expected, abs=0.01)
        assert lesion.volume_mm3[0] < (volume or lesion.ellipsoid_mm3) < lesion.volume_mm3[1]


def test_envelopes_of_ellipsoids_have_their_volume_in_every_orientation() -> None:
    shape = envelope((24.0, 12.0, 16.0), 1.0, (1.0, 1.0, 2.0), None, torch.device("cpu"))
    millimetres = shape.offsets * torch.tensor([1.0, 1.0, 2.0])
    levels = torch.stack([(millimetres @ turn).square().sum(1) for turn in shape.turns])
    assert len(levels) == 36  # three diameters on three axes, the other two either way, straight or oblique
    assert (2.0 * (levels <= 1).sum(1)).numpy() == pytest.approx(ellipsoid_volume((24, 12, 16)), rel=0.08)
    upright = envelope((24.0, 12.0, 16.0), 1.0, (1.0, 1.0, 2.0), 2, torch.device("cpu"))
    assert len(upright.turns) == 4
    levels = torch.stack([(millimetres @ turn).square().sum(1) for turn in upright.turns])
    assert millimetres[(levels <= 1).any(0), 2].abs().max() <= 8
