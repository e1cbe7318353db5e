"""A language model from a folder of this computer, run by transformers and held to the JSON schema by llguidance.

Only the worker process runs it: torch is imported here, when a model is loaded, and never before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress
from RSuperLib.report.assistant.answer import AnswerError, answer_schema
from RSuperLib.report.assistant.prompt import harmless, report_prompt

if TYPE_CHECKING:
    import torch
    from llguidance import LLMatcher, LLTokenizer

#: Tokens. What fits into an answer of the most lesions that a report has, and the least that holds a few.
LONGEST_ANSWER = 4096
_SHORTEST_ANSWER = 256
#: Nothing is looked up or sent anywhere, whatever a model's files ask for.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class ModelFolder:
    """A model in the form of Hugging Face: config.json, a fast tokenizer, weights as safetensors.

    Args:
        path: its folder. No code in it is run, and no weights but safetensors are read.
        longest_answer: tokens after which an answer counts as cut off.

    Raises:
        InputError: the folder holds no such model.
    """

    #: The same question always gets the same answer.
    attempts = 1
    host = ""

    def __init__(self, path: Path, longest_answer: int = LONGEST_ANSWER) -> None:
        _check_folder(path)
        self.model = path.resolve().name
        self._path, self._longest_answer = path.resolve(), longest_answer

    def prepare(self, progress: Progress) -> None:
        """Load the model, if it is not the one that was loaded last.

        Raises:
            InputError: transformers cannot use it.
            AnswerError: there is not enough memory.
        """
        progress("loading the language model", 0.0)
        _load(self._path)

    def answer(self, report: str, progress: Progress) -> str:
        """The model's answer on a report: JSON of the answer's schema, by temperature 0.

        Raises:
            AnswerError: the answer was cut off, or the report is too long or holds control tokens of the model.
        """
        return _load(self._path).answer(report, self._longest_answer, progress)


@lru_cache(maxsize=1)
def _load(path: Path) -> _LoadedModel:
    os.environ.update(_OFFLINE)
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **local)
        model = AutoModelForCausalLM.from_pretrained(path, use_safetensors=True, dtype="auto", **local)
        return _LoadedModel(tokenizer, model.to(_device()).eval())
    except torch.OutOfMemoryError as error:
        raise _too_large() from error
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"The language model in {path.name} cannot be loaded ({type(error).__name__}).",
            "Choose a folder of a text model of transformers without code of its own.",
        ) from error


class _LoadedModel:
    """A model in memory with its tokenizer, ready to answer."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        from llguidance.hf import from_tokenizer
        from transformers import GenerationConfig

        self._tokenizer, self._model = tokenizer, model
        self._ends = _end_tokens(tokenizer, model.generation_config)
        head = model.get_output_embeddings()
        if head is None:
            raise ValueError("the model writes no text")
        self._vocabulary: LLTokenizer = from_tokenizer(tokenizer, n_vocab=head.out_features, eos_token=self._ends)
        # A config of our own: that of the model may ask for sampling or for penalties.
        model.generation_config = GenerationConfig(
            do_sample=False, num_beams=1, eos_token_id=self._ends, pad_token_id=self._ends[0]
        )

    def answer(self, report: str, longest: int, progress: Progress) -> str:
        import torch

        self._refuse_control_tokens(report)
        prompt = self._tokens(report_prompt(report, self._control_tokens()))
        longest = min(longest, self._context() - len(prompt))
        if longest < _SHORTEST_ANSWER:
            raise AnswerError("The report is too long for this language model.", "Use a model with a longer context.")
        guide = _Guide(self._matcher(), len(prompt), longest, progress)
        try:
            with torch.inference_mode():
                ids = torch.tensor([prompt], device=self._model.device)
                written = self._model.generate(
                    ids, attention_mask=torch.ones_like(ids), logits_processor=[guide], max_new_tokens=longest
                )[0, len(prompt) :].tolist()
        except torch.OutOfMemoryError as error:
            raise _too_large() from error
        if written[-1] not in self._ends:
            raise AnswerError("The language model's answer was cut off before its end.")
        return self._vocabulary.decode_str([token for token in written if token not in self._ends])

    def _matcher(self) -> LLMatcher:
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps(answer_schema()), overrides={"whitespace_flexible": False}
        )
        return LLMatcher(self._vocabulary, grammar, log_level=0)

    def _tokens(self, prompt: str) -> list[int]:
        if self._tokenizer.chat_template is None:
            return list(self._tokenizer(prompt)["input_ids"])
        messages = [{"role": "user", "content": prompt}]
        # Where a model can think aloud before it answers: the grammar leaves no room for it.
        encoded = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, enable_thinking=False
        )
        return list(encoded["input_ids"])

    def _context(self) -> int:
        """Most tokens of prompt and answer together."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return int(positions or 10**9)

    def _control_tokens(self) -> list[str]:
        """Everything that the tokenizer makes one token of out of its own, whatever stands around it."""
        added = self._tokenizer.added_tokens_decoder.values()
        return [token.content for token in added if token.special or not token.content.isalnum()]

    def _refuse_control_tokens(self, report: str) -> None:
        """Some tokenizers put together again what `harmless` broke up; then the report must not be read so."""
        tokens = self._tokenizer(harmless(report, self._control_tokens()), add_special_tokens=False)["input_ids"]
        control = {number for number, token in self._tokenizer.added_tokens_decoder.items() if token.special}
        if (control - {self._tokenizer.unk_token_id}) & set(tokens):
            raise AnswerError(
                "The report holds control words of this language model.", "Look at the text, or use another model."
            )


class _Guide:
    """The logits processor: allows only tokens that lead to JSON of the schema, and hears between them of `Cancelled`.

    Called once a token by transformers' `generate` with ids (1, n) and scores (1, vocabulary).
    """

    def __init__(self, matcher: LLMatcher, prompt_length: int, longest: int, progress: Progress) -> None:
        self._matcher, self._seen, self._progress = matcher, prompt_length, progress
        self._start, self._longest = prompt_length, longest

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        self._progress("the language model writes", (input_ids.shape[1] - self._start) / self._longest)
        self._matcher.consume_tokens(input_ids[0, self._seen :].tolist())
        self._seen = input_ids.shape[1]
        if self._matcher.is_error():
            raise AnswerError("The language model left the form that was asked for.")
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8) > 0
        allowed = torch.nn.functional.pad(allowed, (0, scores.shape[1] - len(allowed)))
        return scores.masked_fill(~allowed.to(scores.device), float("-inf"))


def _end_tokens(tokenizer: Any, config: Any) -> list[int]:
    ends = config.eos_token_id if config.eos_token_id is not None else tokenizer.eos_token_id
    if ends is None:
        raise ValueError("the tokenizer has no token for the end")
    return list(ends) if isinstance(ends, Sequence) else [int(ends)]


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_folder(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise InputError(
            f"{path.name} is no folder of a language model.",
            "Give the folder that holds config.json and *.safetensors.",
        )
    if not any(path.glob("*.safetensors")):
        raise InputError(
            f"{path.name} holds no weights as safetensors; other weights could execute code.",
            "Save the model with safe serialization.",
        )


def _too_large() -> AnswerError:
    return AnswerError("The language model does not fit into memory.", "Use a smaller or quantised model.")
