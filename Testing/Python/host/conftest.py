"""One host for all tests of a process, with an empty scene for each."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

environment = importlib.import_module("Testing.Host.environment")


@pytest.fixture(scope="session")
def needs_host() -> None:
    """Skips with the command that brings what is missing."""
    reason = environment.missing()
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def running_host(needs_host: None) -> Iterator[Any]:
    from Testing.Host.host import Host

    with Host(size=(900, 600)) as host:
        yield host


@pytest.fixture
def host(running_host: Any) -> Iterator[Any]:
    """The host with an empty scene. A failure that nobody expected fails the test."""
    from Testing.Host import failures

    failures.clear()
    running_host.app.mrmlScene().Clear(0)
    yield running_host
    running_host.settle()
    recorded = failures.recorded()
    failures.clear()
    assert recorded == []


@pytest.fixture
def expected_failures(host: Any) -> Callable[[], list[str]]:
    """Returns the failures recorded so far and forgets them."""
    from Testing.Host import failures

    def take() -> list[str]:
        found = failures.recorded()
        failures.clear()
        return found

    return take


@pytest.fixture
def write_module(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scripted module of the given name, with a .ui file if there is one."""

    def write(name: str, source: str, form: str = "") -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        if form:
            (tmp_path / "Resources" / "UI").mkdir(parents=True)
            (tmp_path / "Resources" / "UI" / f"{name}.ui").write_text(form, encoding="utf-8")
        return path

    return write
