"""A token classifier besides the scrubber's rules."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from RSuperLib.io.errors import InputError
from RSuperLib.report.deidentify import TokenTagger, scrub

SHIFT = timedelta(weeks=-57)
ENGLISH = "The liver is normal and there is no mass in the spleen. "


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier with random weights, whose bias makes it call every token a patient."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tagger")
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        model_max_length=128,
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=2, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=128, id2label={0: "O", 1: "PATIENT"}, label2id={"O": 0, "PATIENT": 1},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([-50.0, 50.0]))
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_model_is_joined_with_the_rules_but_takes_no_sizes(tiny_model: Path) -> None:
    text = ENGLISH * 12 + "Bosniak\nA 12 mm cyst, 03/14/2021."
    found = TokenTagger(tiny_model).changes(text)
    assert found[0].start == 0
    assert found[-1].end == len(text)  # over several windows
    result = scrub(text, SHIFT, found)
    assert "Bosniak\n[NAME] 12 mm [NAME]" in result.text
    assert "02/09/2020" in result.text


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match="safetensors"):
        TokenTagger(tmp_path)
