"""What the tests share: where the development data lies, if it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real CTs, masks and reports, named by RSUPER_DATA; tests that need it skip without it."""
    root = os.environ.get("RSUPER_DATA")
    if not root:
        pytest.skip("RSUPER_DATA is not set: no real CTs and reports to test on")
    folder = Path(root) / "data"
    if not folder.is_dir():
        pytest.skip("the folder that RSUPER_DATA names holds no data/")
    return folder
