"""`rsuper worker`: the background process, for those who talk to it themselves."""

from __future__ import annotations

import argparse

EXAMPLES = '  echo \'{"protocol": 1, "kind": "job", "id": "1", "job": "ping", "arguments": {}}\' | rsuper worker'


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It takes nothing: everything comes as messages (Docs/worker.md)."""


def run(_arguments: argparse.Namespace) -> None:
    """Serve standard input until it ends."""
    from RSuperLib.worker.__main__ import main

    main()


def describe(_result: None) -> str:
    """Nothing to add: the answers were the messages."""
    return ""
