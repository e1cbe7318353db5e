"""A second finder, for those who have one: a token classifier of transformers, from a folder on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from RSuperLib.io.errors import InputError
from RSuperLib.report.deidentify.changes import Change, Kind, change
from RSuperLib.report.deidentify.words import common_words

#: Tokens that neighbouring windows share, so that no identifier is cut by the end of one.
_SHARED = 64
_LONGEST_WINDOW = 512
#: Words in the labels of published de-identifiers, and what they are here.
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("date", "date"), ("age", "age"), ("phone", "phone"), ("fax", "phone"), ("email", "email"), ("url", "url"),
    ("hosp", "institution"), ("vendor", "institution"), ("org", "institution"), ("loc", "address"),
    ("street", "address"), ("zip", "address"), ("city", "address"), ("patient", "name"), ("hcw", "name"),
    ("doctor", "name"), ("name", "name"),
    ("per", "name"), ("staff", "name"), ("device", "device"), ("id", "id"), ("num", "id"), ("mrn", "id"),
)  # fmt: skip


class TokenTagger:
    """A token classifier whose labels name kinds of identifiers; `O` is none.

    Args:
        folder: a model that `save_pretrained` wrote, with weights in safetensors and a fast tokenizer.

    Raises:
        InputError: the folder holds no such model. Nothing is downloaded and no code of the model is run.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise InputError(
                "The folder holds no token classifier with weights in safetensors.",
                "Name a folder with config.json, tokenizer.json and model.safetensors.",
            )
        self._tokenizer, self._model = _load(folder)

    def changes(self, text: str) -> list[Change]:
        """What the model takes for identifiers, as placeholders; names of signs and scores are left alone."""
        found = [change(text, span, f"[{kind.upper()}]", kind, "model") for span, kind in self._spans(text)]
        return [one for one in found if one.old.lower().strip(" .,'") not in common_words().eponyms]

    def _spans(self, text: str) -> list[tuple[tuple[int, int], Kind]]:
        spans: list[tuple[tuple[int, int], Kind]] = []
        for (start, end), kind in sorted(self._tokens(text)):
            if end <= start:
                continue
            (first, last), before = spans[-1] if spans else ((0, -1), kind)
            if kind == before and last == start:  # pieces of one word
                spans[-1] = ((first, max(last, end)), kind)
            elif start >= last:
                spans.append(((start, end), kind))
        return spans

    def _tokens(self, text: str) -> set[tuple[tuple[int, int], Kind]]:
        """Characters of every token that is no `O` in one of the windows, with its kind."""
        import torch

        windows = self._tokenizer(
            text, truncation=True, max_length=self._window(), stride=_SHARED, return_overflowing_tokens=True,
            return_offsets_mapping=True, padding=True, return_tensors="pt",
        )  # fmt: skip
        offsets = windows.pop("offset_mapping").tolist()
        windows.pop("overflow_to_sample_mapping", None)
        names = self._model.config.id2label
        marked: set[tuple[tuple[int, int], Kind]] = set()
        with torch.inference_mode():
            for number, places in enumerate(offsets):
                inputs = {name: value[number : number + 1] for name, value in windows.items()}
                labels = self._model(**inputs).logits[0].argmax(-1).tolist()
                marked |= {
                    ((start, end), kind)
                    for (start, end), label in zip(places, labels, strict=True)
                    if (kind := _kind_of(names[label])) is not None
                }
        return marked

    def _window(self) -> int:
        """Tokens in a window: as many as the model has places for."""
        places = getattr(self._model.config, "max_position_embeddings", _LONGEST_WINDOW)
        return int(min(places, self._tokenizer.model_max_length, _LONGEST_WINDOW))


def _load(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            "The token classifier could not be loaded.", "Check that the folder holds the whole model."
        ) from error
    if not tokenizer.is_fast:
        raise InputError("The model's tokenizer gives no places in the text.", "Add its tokenizer.json to the folder.")
    return tokenizer, model.eval()


def _kind_of(label: str) -> Kind | None:
    """The kind that a label such as `B-PATIENT` means; None for `O`."""
    name = label.lower()
    if name in ("o", "outside"):
        return None
    return next((kind for word, kind in _KINDS if word in name), "other")
