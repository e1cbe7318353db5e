"""The network of the published checkpoints. `rsuper bench golden` compares it with published values."""

from __future__ import annotations

import torch
from torch.nn import functional

from RSuperLib.networks import MedFormer
from RSuperLib.networks.medformer import _BidirectionalAttention, _PatchMerging, _SemanticMap


def test_it_has_as_many_weights_as_published() -> None:
    with torch.device("meta"):
        assert sum(weight.numel() for weight in MedFormer(42).parameters()) == 37_889_140
        assert sum(weight.numel() for weight in MedFormer(26).parameters()) == 37_886_548
        assert len(MedFormer(42).state_dict()) == 300


def test_both_heads_have_the_input_size() -> None:
    with torch.device("meta"):
        heads = MedFormer(3)(torch.zeros(2, 1, 32, 48, 64))
    assert [head.shape for head in heads] == [(2, 3, 32, 48, 64)] * 2


def test_patches_are_merged_z_outermost() -> None:
    merging = _PatchMerging(1, 1)
    x = torch.arange(64.0).view(1, 1, 4, 4, 4)
    seen = []
    merging.reduction.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    merging(x)
    cube = torch.stack([x[0, 0, z::2, y::2, w::2] for z in (0, 1) for y in (0, 1) for w in (0, 1)])
    torch.testing.assert_close(seen[0], functional.instance_norm(cube[None]))


def test_a_semantic_map_gathers_weighted_means() -> None:
    semantic = _SemanticMap(2)
    x = torch.randn(1, 2, 4, 4, 4)
    torch.nn.init.zeros_(semantic.semantic_proj.weight)  # equal weights: every cell is the mean over the voxels
    mean = semantic.base_proj(x).mean((2, 3, 4))
    torch.testing.assert_close(semantic(x), mean.view(1, 2, 1, 1, 1).expand(1, 2, 3, 3, 3))


def test_attention_reads_and_writes_by_the_same_similarities() -> None:
    attention = _BidirectionalAttention(32, 32, 32, projects_map=False)
    feature, cells = torch.randn(1, 32, 2, 2, 2), torch.randn(1, 32, 3, 3, 3)
    query, value = attention.feat_qv(feature).flatten(2).chunk(2, 1)
    cell_query, _ = attention.map_qv(cells).flatten(2).chunk(2, 1)
    similarity = (query.mT @ cell_query) / 32**0.5
    written = (similarity.softmax(1).mT @ value.mT).mT
    torch.testing.assert_close(attention(feature, cells)[1].flatten(2), written, rtol=1e-4, atol=1e-5)
