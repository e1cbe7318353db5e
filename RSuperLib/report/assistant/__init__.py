"""A report read with a local language model's help, compared with the rules value by value (Docs/assistant.md)."""

from RSuperLib.report.assistant.assist import Assistant, open_assistant, read_with_assistant
from RSuperLib.report.assistant.endpoint import Endpoint, HostConsent
from RSuperLib.report.assistant.folder import ModelFolder
from RSuperLib.report.assistant.record import AssistedReading

__all__ = [
    "Assistant",
    "AssistedReading",
    "Endpoint",
    "HostConsent",
    "ModelFolder",
    "open_assistant",
    "read_with_assistant",
]
