"""A language model behind an OpenAI-compatible server: on this computer, or on a host that a person agreed to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, Field, ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress
from RSuperLib.report.assistant.answer import AnswerError, Ready, answer_schema, parse_answer, ready_schema
from RSuperLib.report.assistant.exchange import ExchangeError, Reply, exchange
from RSuperLib.report.assistant.prompt import probe_prompt, report_prompt

#: Tokens. What fits into an answer of the most lesions that a report has.
_LONGEST_ANSWER = 4096
_LONGEST_NAME = 300
_Record = TypeVar("_Record", bound=BaseModel)


@dataclass(frozen=True)
class HostConsent:
    """A person's word that the text of reports may leave this computer for one host."""

    host: str

    @property
    def statement(self) -> str:
        """What the person agrees to."""
        return f"The text of the report leaves this computer and is sent to {self.host}."


@dataclass(frozen=True)
class TimeLimits:
    """Seconds that a server has, for questions about itself and for one answer of the model."""

    question_s: float = 10.0
    answer_s: float = 600.0


class Endpoint:
    """A model behind `POST /v1/chat/completions`. It is asked to prove itself before it sees a report.

    Args:
        url: http(s) address of the server, with or without /v1.
        model: the model's name there; needed where the server has several.
        consents: hosts other than this computer that reports may go to; they must be reached by https.
        limits: how long the server may take.

    Raises:
        InputError: the address cannot be used, or nobody agreed to that host.
    """

    #: The same question can get another answer, so one unusable answer is not the last word.
    attempts = 2

    def __init__(
        self, url: str, model: str = "", consents: Collection[HostConsent] = (), limits: TimeLimits | None = None
    ) -> None:
        self.host = _allowed_host(url, {consent.host.lower() for consent in consents})
        self.model = model
        self._root = url.rstrip("/").removesuffix("/v1").rstrip("/")
        self._limits = limits or TimeLimits()

    def prepare(self, progress: Progress) -> None:
        """Find the model, make sure that it runs on the host itself, and that it keeps to a JSON schema.

        Raises:
            InputError: the model's name is missing or unknown, or the model runs in a cloud.
            ExchangeError, AnswerError: the server or the model is of no use.
        """
        self.model = self.model or self._only_model(progress)
        self._refuse_cloud_model(progress)
        for attempt in range(self.attempts):
            try:
                parse_answer(self._ask(probe_prompt(), "ready", ready_schema(), 64, progress), Ready)
            except AnswerError:
                if attempt + 1 == self.attempts:
                    raise AnswerError(
                        "The model server does not keep to a JSON schema, so the report was not sent.",
                        "Use a server that supports response_format json_schema, such as vLLM, llama.cpp or Ollama.",
                    ) from None
            else:
                return

    def answer(self, report: str, progress: Progress) -> str:
        """The model's answer on a report, unchecked.

        Raises:
            ExchangeError, AnswerError: there is none, or it was cut off.
        """
        return self._ask(report_prompt(report), "lesions", answer_schema(), _LONGEST_ANSWER, progress)

    def _ask(self, prompt: str, name: str, schema: dict[str, Any], most_tokens: int, progress: Progress) -> str:
        json_schema = {"name": name, "strict": True, "schema": schema}
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": most_tokens,
            "response_format": {"type": "json_schema", "json_schema": json_schema},
        }
        reply = exchange("POST", f"{self._root}/v1/chat/completions", body, self._limits.answer_s, progress)
        if reply.status != 200:
            raise ExchangeError(
                f"The model server refused the request (HTTP {reply.status}).",
                "Check the model's name, and that the server has memory for it.",
            )
        return _content(reply.body)

    def _only_model(self, progress: Progress) -> str:
        reply = self._get("/v1/models", progress)
        names = [row.id for row in _parsed(_Models, reply.body).data] if reply.status == 200 else []
        if len(names) == 1:
            return names[0]
        shown = ", ".join(name[:60] for name in names[:8]) or "none that it names"
        raise InputError(f"The server has these models: {shown}.", "Say which one with --assistant-model NAME.")

    def _refuse_cloud_model(self, progress: Progress) -> None:
        """Ollama serves models of its cloud through this computer's own address; it says so when it is asked."""
        tag = self.model.rpartition(":")[2].lower()
        if tag == "cloud" or tag.endswith("-cloud"):
            raise _in_a_cloud()
        tags = self._get("/api/tags", progress)
        listed = _parsed(_OllamaModels, tags.body).models if tags.status == 200 else None
        if listed is None:
            return  # not Ollama
        if any(row.is_remote for row in listed if _same_model(self.model, row.name)):
            raise _in_a_cloud()
        shown = exchange(
            "POST", f"{self._root}/api/show", {"model": self.model}, self._limits.question_s, progress
        )  # fmt: skip
        if shown.status != 200 or not isinstance(shown.body, dict):
            raise InputError("The server cannot say where this model runs.", "Check the name of the model.")
        if _parsed(_OllamaModel, shown.body).is_remote:
            raise _in_a_cloud()

    def _get(self, path: str, progress: Progress) -> Reply:
        return exchange("GET", self._root + path, None, self._limits.question_s, progress)


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class _Model(BaseModel):
    id: str = Field(max_length=_LONGEST_NAME)


class _Models(BaseModel):
    data: list[_Model] = []


class _OllamaModel(BaseModel):
    name: str = ""
    remote_model: str = ""
    remote_host: str = ""

    @property
    def is_remote(self) -> bool:
        return bool(self.remote_model or self.remote_host)


class _OllamaModels(BaseModel):
    models: list[_OllamaModel] | None = None


def _parsed(kind: type[_Record], body: Any) -> _Record:
    try:
        return kind.model_validate(body)
    except (ValidationError, RecursionError):
        raise ExchangeError(
            "The model server's answer is not that of an OpenAI-compatible server.", "Check the address."
        ) from None


def _content(body: Any) -> str:
    choice = _parsed(_Completion, body).choices[0]
    if choice.finish_reason == "length":
        raise AnswerError("The language model's answer was cut off before its end.")
    if not (choice.message.content or "").strip():
        raise AnswerError("The language model answered nothing.", "Turn its thinking off, or use another model.")
    return choice.message.content or ""


def _same_model(asked: str, listed: str) -> bool:
    """Whether Ollama means the same model: a name without a tag is that of the tag `latest`."""
    one, other = (name.lower() if ":" in name else f"{name.lower()}:latest" for name in (asked, listed))
    return one == other


def _in_a_cloud() -> InputError:
    return InputError(
        "This model does not run on the server itself but in a cloud, where reports must not go.",
        "Choose a model that was downloaded.",
    )


def _allowed_host(url: str, agreed: Collection[str]) -> str:
    """The host of an address that reports may be sent to."""
    parts = _split(url)
    host = (parts.hostname or "").lower()
    if _is_this_computer(host):
        return host
    if host not in agreed:
        raise InputError(
            f"The server {host} is not this computer. {HostConsent(host).statement}",
            f"If that is allowed, say so with --allow-host {host}.",
        )
    if parts.scheme != "https":
        raise InputError(f"The report would travel to {host} unencrypted.", "Give an https address.")
    return host


def _split(url: str) -> SplitResult:
    wrong = InputError("The address of the model server cannot be used.", "Give it as http://127.0.0.1:8000.")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise wrong from None
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        raise wrong
    return parts


def _is_this_computer(host: str) -> bool:
    """Whether a host is this computer's loopback address, and so is everything that its name leads to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        if host != "localhost":
            return False
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[4][0]).is_loopback for address in found)
