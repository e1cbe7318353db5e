"""Tiny language models for tests, made on the spot: random weights, fixed replies, and no end of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

START, END = "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
_LINES = (
    "There is a 2.3 cm hypodense mass in segment VII of the liver.",
    '{"lesions":[{"evidence":"","organ":"liver","side":"not_stated","place_quote":"","size_quote":""}]}',
)


def random_model(
    folder: Path, seed: int = 0, template: str | None = CHAT_TEMPLATE, context: int = 16384, control: Sequence[str] = ()
) -> Path:
    """A Llama of random weights with a byte-level tokenizer that was trained on a few lines.

    Args:
        folder: where it goes.
        seed: of its weights.
        template: chat template.
        context: most tokens that it takes.
        control: control tokens beside those of the chat template.
    """
    tokenizer = _tokenizer(template)
    tokenizer.add_special_tokens({"additional_special_tokens": list(control)})
    torch.manual_seed(seed)
    # As many models, it has weights for a few tokens more than there are.
    config = _config(tokenizer, vocab_size=len(tokenizer) + 7, hidden_size=32, max_position_embeddings=context)
    model = LlamaForCausalLM(config)
    return _save(folder, tokenizer, model)


def parrot(folder: Path, replies: Mapping[str, str]) -> Path:
    """A Llama whose weights make it reply with one of a few fixed texts.

    Args:
        folder: where it goes.
        replies: words to look for in the chat -> the reply; the first that fits is given.

    Each reply is one token. The chat template ends with a token of its own for each reply, whose embedding is the
    direction that the reply's output weight looks for; the layers between are zero, so nothing else matters.
    """
    cases = "".join(
        f"{{% {'if' if k == 0 else 'elif'} {words!r} in messages[-1].content %}}<|cue{k}|>"
        for k, words in enumerate(replies)
    )
    tokenizer = _tokenizer(cases + "{% endif %}")
    cues = [f"<|cue{k}|>" for k in range(len(replies))]
    tokenizer.add_special_tokens({"additional_special_tokens": cues})
    tokenizer.add_tokens([AddedToken(reply, normalized=False) for reply in replies.values()])
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 8 * (len(replies) // 8 + 1), "max_position_embeddings": 16384}
    model = _blank(LlamaForCausalLM(_config(tokenizer, **sizes)))
    inputs, outputs = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    with torch.no_grad():
        for k, (cue, reply) in enumerate(zip(cues, replies.values(), strict=True)):
            inputs[tokenizer.convert_tokens_to_ids(cue), k] = 1
            outputs[tokenizer.convert_tokens_to_ids(reply), k] = 1
            inputs[tokenizer.convert_tokens_to_ids(reply), len(replies)] = 1
        outputs[tokenizer.convert_tokens_to_ids(END), len(replies)] = 1
    return _save(folder, tokenizer, model)


def rambler(folder: Path) -> Path:
    """A Llama that writes the letter a wherever it may, else opens a brace: its quotes are as long as they can be."""
    tokenizer = _tokenizer(CHAT_TEMPLATE)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 8, "max_position_embeddings": 16384}
    model = _blank(LlamaForCausalLM(_config(tokenizer, **sizes)))
    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] = 1
        for letter, weight in (("a", 2.0), ("{", 1.0)):
            model.get_output_embeddings().weight[tokenizer.convert_tokens_to_ids(letter), 0] = weight
    return _save(folder, tokenizer, model)


def _blank(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """The model with zero weights but in its norms: it hands the embedding of the last token to the output."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.zero_()
    return model


def _tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=[START, END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    core.train_from_iterator(_LINES * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=END)
    tokenizer.chat_template = template
    return tokenizer


def _config(tokenizer: PreTrainedTokenizerFast, **sizes: int) -> LlamaConfig:
    return LlamaConfig(
        intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, bos_token_id=None, eos_token_id=tokenizer.eos_token_id, **sizes,
    )  # fmt: skip


def _save(folder: Path, tokenizer: PreTrainedTokenizerFast, model: LlamaForCausalLM) -> Path:
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
