"""The worker process: its protocol, cancelling, errors, and its end."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pytest

from RSuperLib.io.errors import InputError, RSuperError
from RSuperLib.io.progress import Progress
from RSuperLib.worker import Worker
from RSuperLib.worker.protocol import Message, decode, encode
from RSuperLib.worker.server import Server

PRIVATE = "Mrs Example, 3 cm mass"  # text that must never reach a log or a message


def count(arguments: Mapping[str, Any], progress: Progress) -> int:
    for step in range(int(arguments["steps"])):
        progress("counting", step / int(arguments["steps"]))
        time.sleep(0.005)
    return int(arguments["steps"])


def refuse(_arguments: Mapping[str, Any], _progress: Progress) -> None:
    raise InputError("The CT is empty.", "Choose another file.")


def stumble(_arguments: Mapping[str, Any], _progress: Progress) -> None:
    raise KeyError(PRIVATE)


def ignore_everything(_arguments: Mapping[str, Any], progress: Progress) -> None:
    progress("ignoring", 0.0)
    time.sleep(0.5)


class Parent:
    """A parent that speaks to a server in a thread over real pipes."""

    def __init__(self) -> None:
        to_server, from_server = os.pipe(), os.pipe()
        self._out = os.fdopen(to_server[1], "w", buffering=1)
        self._in = os.fdopen(from_server[0])
        self.given_up = threading.Event()
        jobs = {"count": count, "refuse": refuse, "stumble": stumble, "ignore": ignore_everything}
        self._server_ends = os.fdopen(to_server[0]), os.fdopen(from_server[1], "w")
        server = Server(jobs, self._server_ends[1], self.given_up.set)
        self._thread = threading.Thread(target=server.serve, args=(self._server_ends[0],))
        self._thread.start()
        assert self.hear()["kind"] == "ready"

    def say(self, line: str) -> None:
        self._out.write(line + "\n")

    def hear(self) -> Message:
        return decode(self._in.readline())

    def hear_until(self, *kinds: str) -> Message:
        while (message := self.hear())["kind"] not in kinds:
            pass
        return message

    def close(self) -> None:
        if not self._out.closed:
            self._out.close()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()
        for end in (self._in, *self._server_ends):
            end.close()


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    yield parent
    parent.close()


def test_a_job_tells_its_progress_and_its_result(parent: Parent) -> None:
    parent.say(encode("job", "a", job="count", arguments={"steps": 60}))
    first = parent.hear()
    assert (first["kind"], first["id"], first["stage"], first["fraction"]) == ("progress", "a", "counting", 0.0)
    later = [parent.hear(), parent.hear()][-1]
    assert later["fraction"] > 0
    assert later["seconds_left"] is None or 0 < later["seconds_left"] < 5
    assert parent.hear_until("result")["result"] == 60


def test_jobs_run_in_turn_and_a_waiting_one_can_be_cancelled(parent: Parent) -> None:
    parent.say(encode("job", "a", job="count", arguments={"steps": 40}))
    parent.say(encode("job", "b", job="count", arguments={"steps": 40}))
    parent.say(encode("cancel", "b"))
    ends = [parent.hear_until("result", "cancelled") for _ in range(2)]
    assert [(end["id"], end["kind"]) for end in ends] == [("a", "result"), ("b", "cancelled")]


def test_cancel_stops_a_running_job_and_the_next_one_works(parent: Parent) -> None:
    parent.say(encode("job", "a", job="count", arguments={"steps": 100000}))
    parent.hear()
    parent.say(encode("cancel", "a"))
    assert parent.hear_until("result", "cancelled")["kind"] == "cancelled"
    parent.say(encode("job", "b", job="count", arguments={"steps": 1}))
    assert parent.hear_until("result", "cancelled")["kind"] == "result"


def test_bad_input_comes_back_as_the_users_error(parent: Parent) -> None:
    parent.say(encode("job", "a", job="refuse", arguments={}))
    error = parent.hear()["error"]
    assert error == {"kind": "input", "message": "The CT is empty.", "next_step": "Choose another file."}


def test_an_unexpected_error_names_its_place_and_leaks_no_text(
    parent: Parent, caplog: pytest.LogCaptureFixture
) -> None:
    parent.say(encode("job", "a", job="stumble", arguments={}))
    error = parent.hear()["error"]
    assert error["kind"] == "failure"
    assert "KeyError" in error["message"]
    assert "test_worker" in error["message"]
    assert PRIVATE not in json.dumps(error)
    assert PRIVATE not in caplog.text


@pytest.mark.parametrize(
    "line", ["not json", "[1, 2]", '{"protocol": 99, "kind": "job"}', '{"protocol": 1}', '{"protocol": 1, "kind": 3}']
)
def test_a_line_that_is_no_message_gets_an_error_and_nothing_breaks(parent: Parent, line: str) -> None:
    parent.say(line)
    assert parent.hear()["kind"] == "error"
    parent.say(encode("job", "a", job="count", arguments={"steps": 1}))
    assert parent.hear_until("result")["id"] == "a"


def test_an_unknown_job_is_refused(parent: Parent) -> None:
    parent.say(encode("job", "a", job="bake", arguments={}))
    assert parent.hear()["error"]["kind"] == "input"


def test_the_server_ends_with_its_parent_in_the_middle_of_a_job() -> None:
    parent = Parent()
    parent.say(encode("job", "a", job="count", arguments={"steps": 100000}))
    parent.hear()
    parent.close()
    assert not parent.given_up.is_set()


def test_a_job_that_does_not_notice_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("RSuperLib.worker.server.ORPHAN_GRACE_S", 0.05)
    parent = Parent()
    parent.say(encode("job", "a", job="ignore", arguments={}))
    parent.hear()
    parent.close()
    assert parent.given_up.is_set()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


def test_the_real_process_answers(worker: Worker) -> None:
    assert worker.run("ping", {})["pid"] not in (0, os.getpid())


def test_the_real_process_reads_a_report(worker: Worker) -> None:
    reading = worker.run("read", {"text": "There is a 2.3 cm hypodense lesion in segment VII of the liver."})
    assert reading["findings"][0]["diameters_mm"] == [23.0]


def test_the_real_process_hands_errors_over(worker: Worker) -> None:
    with pytest.raises(InputError, match="does not know the job"):
        worker.run("bake", {})


def test_a_killed_process_is_an_error_with_a_next_step() -> None:
    with Worker() as worker:
        psutil.Process(worker.run("ping", {})["pid"]).kill()
        with pytest.raises(RSuperError, match="Try again"):
            worker.run("ping", {})
        assert not worker.alive


def test_closing_leaves_no_process() -> None:
    worker = Worker()
    process = psutil.Process(worker.run("ping", {})["pid"])
    worker.close()
    assert not process.is_running()
