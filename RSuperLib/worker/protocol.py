"""The worker's language: one JSON object a line, a request id in every message, a version in every one.

To the worker: `job` (start one), `cancel` (stop one), `shutdown`. From the worker: `ready` once, then per job
`progress` any number of times and exactly one of `result`, `error`, `cancelled`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, TypedDict, cast

from RSuperLib.io.errors import InputError, RSuperError

PROTOCOL_VERSION = 1

RequestKind = Literal["job", "cancel", "shutdown"]
AnswerKind = Literal["ready", "progress", "result", "error", "cancelled"]
#: The kinds that end a job.
FINAL: frozenset[str] = frozenset({"result", "error", "cancelled"})


class Message(TypedDict, total=False):
    """One line, either way. Which keys are there depends on `kind`."""

    protocol: int
    kind: str
    id: str
    # job
    job: str
    arguments: dict[str, Any]
    # progress
    stage: str
    fraction: float
    seconds_left: float | None
    # result
    result: Any
    # error
    error: dict[str, str]


def encode(kind: RequestKind | AnswerKind, request_id: str = "", **content: Any) -> str:
    """One message as a line without its line end, in ASCII: paths may hold bytes that are no UTF-8."""
    return json.dumps({"protocol": PROTOCOL_VERSION, "kind": kind, "id": request_id, **content})


def decode(line: str) -> Message:
    """Read one line.

    Raises:
        RSuperError: the line is no message of this version of the protocol.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RSuperError("The worker was sent a line that is not JSON.") from error
    types = (("kind", str), ("id", str), ("arguments", dict))
    if not isinstance(message, dict) or "kind" not in message or not _all_of(message, types):
        raise RSuperError("The worker was sent a line that is not a message.")
    if message.get("protocol") != PROTOCOL_VERSION:
        raise RSuperError(
            f"The worker speaks version {PROTOCOL_VERSION} of its protocol, not {message.get('protocol')}.",
            "Install the same version of RSuper on both sides.",
        )
    return cast(Message, message)


def _all_of(message: dict[str, Any], types: Iterable[tuple[str, type]]) -> bool:
    return all(isinstance(message[key], kind) for key, kind in types if key in message)


def error_content(error: RSuperError) -> dict[str, str]:
    """An error as it travels in an `error` message."""
    kind = "input" if isinstance(error, InputError) else "failure"
    return {"kind": kind, "message": error.message, "next_step": error.next_step}


def error_from(content: dict[str, str]) -> RSuperError:
    """The error that an `error` message carries."""
    kind = InputError if content.get("kind") == "input" else RSuperError
    return kind(content.get("message", "The worker failed."), content.get("next_step", ""))
