"""`rsuper …`: everything that the Slicer module does, without a GUI.

Exit codes: 0 done, 2 the input cannot be used, 1 something failed, 130 cancelled.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from RSuperLib import __version__
from RSuperLib.io.errors import Cancelled, InputError, RSuperError, unexpected

#: Command to its one-line help. Its code is the module of the same name in `RSuperLib.commands`, with
#: `EXAMPLES`, `add_arguments(parser)`, `run(arguments) -> result` and `describe(result) -> text`.
COMMANDS = {
    "demo": "try RSuper on a made-up patient",
    "segment": "tumour masks from a CT and its report",
    "read": "findings from a report",
    "deidentify": "a report without identifiers, or its findings without text",
    "phantom": "made-up CTs with masks and reports, for tests and experiments",
    "train": "teach a network by masks and reports",
    "evaluate": "predicted masks against references, with intervals",
    "supervision": "what masks and report of a case teach, as a picture",
    "models": "which models are there",
    "bench": "measure the claims",
    "selfcheck": "versions, processor, memory and disk, without patient data",
    "worker": "answer jobs on standard input (used by the Slicer module)",
}

#: Everything that moves the cursor, changes colours or turns the direction of writing, but for tabs and new lines.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _prepare_process()
    try:
        return _run_command(words)
    except InputError as error:
        return _complain(error, words, 2)
    except (Cancelled, KeyboardInterrupt):
        return _complain(Cancelled(), words, 130)
    except RSuperError as error:
        return _complain(error, words, 1)
    except BrokenPipeError:  # `rsuper … | head`: who listened has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the process boundary; a traceback may quote the report
        return _complain(unexpected(error), words, 1)


def _prepare_process() -> None:
    """Print whatever the terminal can show, and let SIGTERM end a command as tidily as Ctrl-C does."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # started without, as services are
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _run_command(words: list[str]) -> int:
    name = words[0] if words and words[0] in COMMANDS else None
    if name is None:
        _top_parser().parse_args(words or ["--help"])
    command = importlib.import_module(f"RSuperLib.commands.{name}")
    arguments = _command_parser(str(name), command).parse_args(words[1:])
    result = command.run(arguments)
    if text := json.dumps(result) if arguments.json else _harmless(command.describe(result)):
        _answer(text)
    return 0


def _answer(text: str) -> None:
    try:
        print(text, flush=True)  # noqa: T201 - the answer
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk
        # What is left goes nowhere, or printing it would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise RSuperError(
            f"The answer could not be printed ({error.strerror or error}).", "Check that the disk has space."
        ) from error


def _harmless(text: str) -> str:
    """The text with control characters spelled out: a quoted report must not steer the terminal."""
    return _CONTROLS.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class _Parser(argparse.ArgumentParser):
    """An argument parser that names the next step, like every other error here."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def _top_parser() -> argparse.ArgumentParser:
    table = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
    parser = _Parser(
        prog="rsuper",
        description="Tumour masks from CTs and their radiology reports. A research tool, not a medical device.",
        epilog=f"commands:\n{table}\n\n`rsuper COMMAND --help` explains one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rsuper {__version__}")
    parser.add_argument("command", choices=tuple(COMMANDS), metavar="COMMAND", help="see below")
    return parser


def _command_parser(name: str, command: ModuleType) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"rsuper {name}",
        description=f"{COMMANDS[name].capitalize()}.",
        epilog=f"examples:\n{command.EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON, for machines")
    return parser


def _complain(error: RSuperError, words: list[str], code: int) -> int:
    if "--json" in words:
        kind = {2: "input", 130: "cancelled"}.get(code, "failure")
        print(json.dumps({"error": {"kind": kind, "message": error.message, "next_step": error.next_step}}))  # noqa: T201
    line = " ".join(_harmless(str(error)).splitlines())  # a file's name may hold what steers a terminal
    print(f"rsuper: {line}", file=sys.stderr)  # noqa: T201 - the one line that the user sees
    return code


if __name__ == "__main__":
    sys.exit(main())
