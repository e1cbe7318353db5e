"""The job behind `rsuper read --assistant`: a report, read by rules and by a language model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from RSuperLib.io.progress import Progress
from RSuperLib.report.assistant import open_assistant, read_with_assistant


class AssistRequest(BaseModel):
    """Arguments of the job `assist`."""

    model_config = ConfigDict(extra="forbid")

    text: str
    #: Folder of a model, or http(s) address of a server.
    assistant: str
    #: The model's name on the server; "" = the only one it has.
    model: str = ""
    #: Hosts other than this computer that a person agreed to send this report to.
    allowed_hosts: list[str] = []
    report_id: str = ""


def read_assisted(request: AssistRequest, progress: Progress) -> dict[str, Any]:
    """The assisted reading as JSON (Docs/schemas/assisted-reading.schema.json).

    Raises:
        InputError: the model or the server cannot be used so; see `read_with_assistant`.
    """
    assistant = open_assistant(request.assistant, request.model, request.allowed_hosts)
    reading = read_with_assistant(request.text, assistant, request.report_id, progress)
    return reading.model_dump(mode="json")
