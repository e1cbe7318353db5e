"""A language model behind a real OpenAI-compatible server: `transformers serve` with tiny models that are made here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from tiny_language_model import parrot, random_model

from RSuperLib.report import read_report
from RSuperLib.report.assistant import Endpoint, read_with_assistant
from RSuperLib.report.assistant.endpoint import TimeLimits

REPORT = "FINDINGS: Liver: There is a 2.3 cm hypodense mass in segment VII. Spleen: Normal.\n"
LESION = {
    "evidence": "There is a 2.3 cm hypodense mass in segment VII.", "organ": "liver", "side": "not_stated",
    "place_quote": "segment VII", "size_quote": "2.3 cm", "kind": "tumour", "attenuation": "hypo",
    "presence": "present", "time": "current",
}  # fmt: skip
PATIENT = TimeLimits(question_s=60, answer_s=120)


class Server(NamedTuple):
    url: str
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("serve") / "log"
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = Path(sys.executable).with_name("transformers")
    words = [sys.executable, str(script), "serve", "--host", "127.0.0.1", "--port", port, "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out, subprocess.Popen(words, stdout=out, stderr=out, env=environment) as process:
        try:
            _wait_for(process, f"http://127.0.0.1:{port}", log)
            yield Server(f"http://127.0.0.1:{port}", log)
        finally:
            process.kill()


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start: {log.read_text(errors='replace')[-2000:]}")


def test_random_weights_never_see_the_report(server: Server, tmp_path: Path) -> None:
    """This server does not constrain its models, and what random weights say to the probe is noise."""
    model = random_model(tmp_path)
    reading = read_with_assistant(REPORT, Endpoint(server.url, str(model), limits=PATIENT))
    assert "does not keep to a JSON schema" in reading.reason
    assert reading.reading == read_report(REPORT)
    assert "hypodense" not in server.log.read_text(errors="replace")


def test_a_model_that_answers_agrees_with_the_rules(server: Server, tmp_path: Path) -> None:
    model = parrot(tmp_path, {"CT report": json.dumps({"lesions": [LESION]}), "ready": '{"ready":"yes"}'})
    reading = read_with_assistant(REPORT, Endpoint(server.url, str(model), limits=PATIENT))
    assert [row.state for row in reading.rows] == ["agree"], reading.reason
    assert reading.provenance.attempts == 1


def test_a_model_that_the_server_lacks_is_told(server: Server, tmp_path: Path) -> None:
    reading = read_with_assistant(REPORT, Endpoint(server.url, str(tmp_path / "none"), limits=PATIENT))
    assert "refused the request" in reading.reason
    assert reading.reading == read_report(REPORT)
