"""All report terms of a step: several parts, certainty, image numbers, attenuation, pathology, and no waiting."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from RSuperLib.bench.losses import host_syncs, measure_memory, plain_loss
from RSuperLib.cli import main
from RSuperLib.supervision import BallOptions, ChannelTarget, LesionTarget, ReportOptions, segmentation_loss
from RSuperLib.supervision.report_terms import TERMS, report_terms
from RSuperLib.supervision.targets import box_around, distance_from, ellipsoid_volume, unknown_lesion, used
from RSuperLib.supervision.volume import volume_interval

EDGE = 32
ONE = (1.0, 1.0, 1.0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def spots(*centres: tuple[int, int, int], radius: float = 4.0) -> Tensor:
    """(1, 1, D, H, W) logits, -5 and up to +4 in spots."""
    index = torch.stack(torch.meshgrid(*[torch.arange(EDGE)] * 3, indexing="ij"), -1).float()
    logits = torch.full((EDGE,) * 3, -5.0)
    for centre in centres:
        square = (index - torch.tensor(centre)).square().sum(-1) / radius**2
        logits += 9 * torch.exp(-square * math.log(9 / 5))
    return logits[None, None]


def halves() -> Tensor:
    """(2, D, H, W) mm from the upper and the lower half along D, uint8 as they are stored."""
    masks = torch.zeros(2, EDGE, EDGE, EDGE, dtype=torch.bool)
    masks[0, 4:15, 4:28, 4:28] = masks[1, 17:28, 4:28, 4:28] = True
    return torch.stack([distance_from(mask, ONE) for mask in masks]).clamp(max=255).to(torch.uint8)


def lesion(part: int = 0, diameter: float = 8.0, **more: object) -> LesionTarget:
    volume = ellipsoid_volume((diameter,) * 3)
    return LesionTarget(part, (diameter,) * 3, (0.8 * volume, 1.2 * volume), **more)


def step(logits: Tensor, target: ChannelTarget, **more: object) -> dict[str, Tensor]:
    return report_terms(logits, [[target]], spacing=ONE, **more)


def pushed_up(logits: Tensor, target: ChannelTarget, **more: object) -> Tensor:
    """(D, H, W) bool, voxels that the ball loss wants more of."""
    x = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(step(x, target, **more)["ball_bce"], x)
    return gradient[0, 0] < 0


def test_each_lesion_is_sought_in_its_own_part() -> None:
    """Both spots lie in the upper half; the lesion of the lower half must not take one of them."""
    logits = spots((9, 9, 9), (9, 22, 22))
    up = pushed_up(logits, ChannelTarget(0, halves(), (lesion(0), lesion(1))))
    assert up[:16].any()
    assert up[16:].sum() > 70  # its half, were it centred on the border
    assert pushed_up(logits, ChannelTarget(0, halves(), (lesion(0), lesion(0))))[16:].sum() == 0


def test_open_parts_teach_no_background_and_have_no_greatest_volume() -> None:
    x = spots((9, 9, 9), (22, 22, 22)).requires_grad_()
    target = ChannelTarget(0, halves(), (lesion(0),), open_parts=frozenset({1}))
    assert volume_interval(target, 1) == (0, math.inf)
    (gradient,) = torch.autograd.grad(sum(step(x, target).values()), x)
    assert not gradient[0, 0, 20:].any()
    (closed,) = torch.autograd.grad(sum(step(x, dataclasses.replace(target, open_parts=frozenset())).values()), x)
    assert (closed[0, 0, 20:28] > 0).any()


def test_volumes_count_in_the_nearest_part() -> None:
    """The right total in the wrong part is not right."""
    right, wrong = spots((9, 9, 9), (22, 22, 22)), spots((9, 9, 9), (9, 22, 22))
    target = ChannelTarget(0, halves(), (lesion(0, 9.0), lesion(1, 9.0)))
    assert step(right, target)["volume"] < 0.5 * step(wrong, target)["volume"]


def test_the_auxiliary_head_learns_from_the_volume_alone() -> None:
    final, auxiliary = (spots((9, 9, 9)).requires_grad_() for _ in range(2))
    terms = step(final, ChannelTarget(0, halves()[:1], (lesion(),)), auxiliary=auxiliary)
    terms["volume"].backward()
    assert final.grad is None
    assert auxiliary.grad.any()


def test_certainty_weighs_what_a_lesion_teaches() -> None:
    logits = spots((22, 22, 22))
    sure, unsure = (ChannelTarget(0, halves()[:1], (lesion(certainty=one),)) for one in (1.0, 0.25))
    gradients = []
    for target in (sure, unsure):
        x = logits.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(step(x, target)["ball_bce"], x)
        gradients.append(gradient)
    up = gradients[0] < 0
    assert torch.allclose(0.25 * gradients[0][up], gradients[1][up])
    assert volume_interval(unsure, 0)[0] == pytest.approx(0.25 * volume_interval(sure, 0)[0])
    ignored = used(unsure, ReportOptions(certainty=False))
    assert ignored is not None
    assert ignored.lesions[0].certainty == 1


@pytest.mark.parametrize(("slices", "expected"), [(None, 9), ((18, 26), 22)])
def test_an_image_number_limits_where_the_lesion_is(slices: tuple[int, int] | None, expected: int) -> None:
    logits = spots((9, 9, 9)) + 0.9 * (spots((22, 22, 22)) + 5)
    everywhere = halves().amin(0, keepdim=True)
    box = box_around(everywhere[0] == 0, 2, ONE)  # the hint counts in the crop, not in the box
    target = ChannelTarget(0, everywhere, (lesion(slices=slices),), upright=0, box=box)
    assert pushed_up(logits, target)[expected - 2 : expected + 3].any()
    assert not pushed_up(logits, target)[31 - expected].any()
    assert pushed_up(logits, target, options=ReportOptions(slice_hints=False))[9].any()


def test_inexact_sizes_teach_unless_switched_off() -> None:
    x = spots((22, 22, 22))
    target = ChannelTarget(0, halves()[:1], (unknown_lesion(),), open_parts=frozenset({0}))
    assert step(spots(), target)["ball_bce"] > 2
    assert all(term == 0 for term in step(x, target, options=ReportOptions(inexact_sizes=False)).values())
    upper_bound = LesionTarget(0, (15.0,) * 3, (33.0, 4200.0))
    assert not upper_bound.is_exact
    up = pushed_up(x, dataclasses.replace(target, lesions=(upper_bound,), open_parts=frozenset()))
    assert up.sum() == 33


@pytest.mark.parametrize(
    ("attenuation", "hu", "agrees"),
    [("hypo", 10, True), ("hypo", 180, False), ("hyper", 180, True), ("hyper", 100, False), ("iso", 100, True),
     ("iso", 10, False)],
)  # fmt: skip
def test_attenuation_must_agree_with_the_image(attenuation: str, hu: float, agrees: bool) -> None:
    x = spots((9, 9, 9))
    image = 100 + 15 * torch.randn((1, EDGE, EDGE, EDGE), generator=torch.Generator().manual_seed(0))
    image[0] = torch.where(x[0, 0] > 0, torch.tensor(float(hu)), image[0])
    target = ChannelTarget(0, halves()[:1], (lesion(attenuation=attenuation),))
    term = step(x, target, image=image)["attenuation"].item()
    assert (term == 0) is agrees
    assert step(x, target)["attenuation"] == 0


def test_attenuation_teaches_towards_voxels_that_agree() -> None:
    """A dark core in a predicted lesion that is bright as a whole: dark voxels are pushed up, bright ones down."""
    x = spots((9, 9, 9)).requires_grad_()
    image = torch.full((1, EDGE, EDGE, EDGE), 100.0)
    image[0, 6:13, 6:13, 6:13] = 140
    image[0, 8:11, 8:11, 8:11] = 20
    target = ChannelTarget(0, halves()[:1], (lesion(attenuation="hypo"),))
    (gradient,) = torch.autograd.grad(step(x, target, image=image)["attenuation"], x)
    assert (gradient[0, 0, 8:11, 8:11, 8:11] < 0).all()
    assert (gradient[0, 0, 7, 7:12, 7:12] > 0).all()


@pytest.mark.parametrize(("malignant", "up", "down"), [(True, 2, 1), (False, 1, 2)])
def test_pathology_goes_to_its_channel(malignant: bool, up: int, down: int) -> None:
    x = spots((9, 9, 9)).repeat(1, 3, 1, 1, 1).requires_grad_()
    target = ChannelTarget(0, halves()[:1], (lesion(malignant=malignant),), pathology_channels=(1, 2))
    (gradient,) = torch.autograd.grad(step(x, target)["pathology"], x)
    assert not gradient[0, 0].any()
    assert (gradient[0, up] <= 0).all()
    assert (gradient[0, down] >= 0).all()
    assert gradient[0, up].any()
    assert gradient[0, down].any()
    unsaid = dataclasses.replace(target, lesions=(lesion(),))
    assert step(x, unsaid)["pathology"] == 0


def test_the_gradient_of_all_terms_is_that_of_their_sum() -> None:
    """In double precision, with everything that a report can say."""
    index = torch.arange(6.0, dtype=torch.float64) - 2
    square = index[:4, None, None] ** 2 + index[:3, None] ** 2 + index[:3] ** 2
    x = (3 * torch.exp(-square / 3) - 2)[None, None].repeat(1, 3, 1, 1, 1)
    x = (x + 1e-3 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1))).requires_grad_()
    image = 100 - 30 * x[:, 0].detach()
    one = lesion(0, 2.4, certainty=0.7, attenuation="hyper", malignant=True)
    options = ReportOptions(ball=BallOptions(border_mm=0.5))
    target = ChannelTarget(0, torch.zeros(1, 4, 3, 3), (one,), pathology_channels=(1, 2))

    def total(logits: Tensor) -> Tensor:
        return torch.stack(list(step(logits, target, image=image, options=options).values()))

    assert (total(x) != 0).all()
    assert gradcheck(total, (x,), eps=1e-7, atol=1e-5)


def test_a_batch_without_reports_costs_nothing_and_has_a_gradient() -> None:
    x = spots((9, 9, 9)).requires_grad_()
    terms = report_terms(x, [[]], spacing=ONE)
    assert tuple(terms) == TERMS
    (gradient,) = torch.autograd.grad(sum(terms.values()), x)
    assert not gradient.any()


def test_samples_without_reports_do_not_thin_out_those_with() -> None:
    x, target = spots((9, 9, 9)), ChannelTarget(0, halves()[:1], (lesion(),))
    both = report_terms(x.repeat(2, 1, 1, 1, 1), [[], [target]], spacing=ONE)
    assert both["ball_dice"].item() == pytest.approx(step(x, target)["ball_dice"].item())


def test_the_box_only_saves_time() -> None:
    x = spots((9, 9, 9), (9, 22, 22))
    distances = halves()[:1]
    whole = ChannelTarget(0, distances, (lesion(), lesion(diameter=6.0)))
    boxed = dataclasses.replace(whole, box=box_around(distances[0] == 0, 15, ONE))
    for name, term in step(x, whole).items():
        assert step(x, boxed)[name].item() == pytest.approx(term.item(), rel=1e-4), name


def test_a_part_outside_the_crop_teaches_nothing() -> None:
    """After augmentation a part may be gone; the crop then says nothing of its lesions."""
    x = spots((9, 9, 9)).requires_grad_()
    gone = torch.full((1, EDGE, EDGE, EDGE), 255, dtype=torch.uint8)
    terms = step(x, ChannelTarget(0, gone, (lesion(),)))
    (gradient,) = torch.autograd.grad(terms["ball_bce"] + terms["ball_dice"], x)
    assert not gradient.any()


def test_a_step_never_waits_for_the_device() -> None:
    x = spots((9, 9, 9), (22, 22, 22)).repeat(1, 3, 1, 1, 1).requires_grad_()
    lesions = (
        lesion(0, attenuation="hypo", malignant=True),
        LesionTarget(1, (14.0, 6.0, 6.0), (100.0, 300.0), slices=(18, 26)),
        unknown_lesion(1, 0.5),
    )
    target = ChannelTarget(0, halves(), lesions, frozenset({1}), upright=0, pathology_channels=(1, 2))
    image = torch.zeros(1, EDGE, EDGE, EDGE)

    def whole_step() -> None:
        terms = step(x, target, image=image, labels=torch.zeros(x.shape, dtype=torch.bool))
        torch.autograd.grad(sum(terms.values()) + sum(segmentation_loss(x, x > 0)), x)

    whole_step()  # kernels are made once, on the host
    assert host_syncs(whole_step) == 0
    assert host_syncs(lambda: float(x.detach().sum())) == 1
    assert host_syncs(lambda: x[x > 0]) == 1


def test_the_lean_loss_is_the_plain_one() -> None:
    x = spots((9, 9, 9)).repeat(2, 2, 1, 1, 1).requires_grad_()
    labels, known = torch.rand(x.shape) > 0.8, torch.rand(x.shape) > 0.1
    plain = plain_loss(x, labels, known)
    lean = torch.stack(segmentation_loss(x, labels, known, mode="reference")).sum()
    assert lean.item() == pytest.approx(plain.item(), rel=1e-5)
    for one, other in zip(torch.autograd.grad(lean, x), torch.autograd.grad(plain, x), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-9)


def test_benchmarks_run_and_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "ball", "--edge", "20", "--diameters", "5", "9"]) == 0
    assert capsys.readouterr().out.count("'same_argmax': True") == 2
    assert main(["bench", "loss", "--edge", "24", "--tumours", "2", "--channels", "2"]) == 0
    assert "'host_syncs': 0" in capsys.readouterr().out
    norms = []
    for way in ("plain", "lean"):
        measure_memory(way, 16, 3)
        norms.append(float(capsys.readouterr().out.split()[2]))
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)
