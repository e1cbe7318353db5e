"""A language model behind a server: a hostile one, one like Ollama, and where reports may go at all."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from RSuperLib.io.errors import Cancelled, InputError
from RSuperLib.report import read_report
from RSuperLib.report.assistant import AssistedReading, Endpoint, HostConsent, read_with_assistant
from RSuperLib.report.assistant.endpoint import TimeLimits

REPORT = "FINDINGS: Liver: There is a 2.3 cm hypodense mass in segment VII. Spleen: Normal.\n"
PRIVATE = "hypodense mass"  # words of the report that no log and no message may hold
LESION = {
    "evidence": "There is a 2.3 cm hypodense mass in segment VII.", "organ": "liver", "side": "not_stated",
    "place_quote": "segment VII", "size_quote": "2.3 cm", "kind": "tumour", "attenuation": "hypo",
    "presence": "present", "time": "current",
}  # fmt: skip
READY = '{"ready":"yes"}'


def completion(content: Any, finish_reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}]}


def lesions(*rows: dict[str, str]) -> str:
    return json.dumps({"lesions": rows})


class FakeServer:
    """An HTTP server whose answers to the question about a report are up to the test.

    Args:
        misbehave: writes the answer to a request that holds the report.
        ollama: its answers on /api/…, by path; None = it is no Ollama.
        ready: what it says to the probe.
    """

    def __init__(
        self, misbehave: Callable[[BaseHTTPRequestHandler], None], ollama: dict[str, Any] | None = None,
        ready: Callable[[BaseHTTPRequestHandler], None] | None = None,
    ) -> None:  # fmt: skip
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                fake.paths.append(self.path)
                if self.path == "/v1/models":
                    answer_json({"data": [{"id": "fake"}]})(self)
                else:
                    self._ollama()

            def do_POST(self) -> None:
                fake.paths.append(self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.startswith("/api/"):
                    self._ollama()
                    return
                fake.bodies.append(body)
                probing = body["response_format"]["json_schema"]["name"] == "ready"
                ((ready or answer_json(completion(READY))) if probing else misbehave)(self)

            def _ollama(self) -> None:
                if ollama is None:
                    self.send_error(404)
                else:
                    answer_json(ollama[self.path])(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answer_bytes(
    content: bytes, status: int = 200, kind: str = "application/json", length: int | None = None, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        try:
            handler.wfile.write(content)
        except OSError:
            return  # the client had enough

    return write


def answer_json(body: Any, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    return answer_bytes(json.dumps(body).encode(), status)


def drip(head: bytes, byte: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """A byte now and then, so that no single read ever times out."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(head)
            for _ in range(200):
                handler.wfile.write(byte)
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    return write


def stall(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.settimeout(5)
    try:
        handler.rfile.read(1)  # nothing more comes: waits until the client hangs up
    except OSError:
        return


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def read(server: FakeServer, **limits: float) -> AssistedReading:
    return read_with_assistant(REPORT, Endpoint(server.url, limits=TimeLimits(**{"answer_s": 5.0, **limits})))


HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
#: What a server may do instead of answering, and the words that the user reads.
HOSTILE: dict[str, tuple[Callable[[BaseHTTPRequestHandler], None], str]] = {
    "truncated body": (answer_bytes(b'{"choices": [{"mess', length=5000), "broke off"),
    "truncated answer": (answer_json(completion(lesions(LESION)[:60])), "not in the form"),
    "cut off by its own account": (answer_json(completion(lesions(LESION), "length")), "cut off"),
    "stalls": (stall, "did not answer within"),
    "drips its body": (drip(HEAD + b"\r\n", b" "), "did not answer within"),
    "drips its headers": (drip(HEAD + b"X-Slow: ", b"x"), "did not answer within"),
    "hangs up": (hang_up, "broke off"),
    "redirects": (answer_bytes(b"", 307, Location="http://127.0.0.1:1/elsewhere"), "redirects elsewhere"),
    "redirects away": (answer_bytes(b"", 302, Location="https://example.org/"), "redirects elsewhere"),
    "huge body": (answer_bytes(b"[" + b"1," * 2_000_000), "too long"),
    "claims to be compressed": (answer_bytes(b"\x1f\x8b" + b"\0" * 50, Content_Encoding="gzip"), "compressed"),
    "not JSON": (answer_bytes(b"<html>hello</html>", kind="text/html"), "not that of an OpenAI-compatible server"),
    "invalid JSON": (answer_bytes(b'{"choices": [}'), "not that of an OpenAI-compatible server"),
    "not UTF-8": (answer_bytes(b'{"choices": "\xff\xfe"}'), "not that of an OpenAI-compatible server"),
    "nested JSON": (answer_bytes(b"[" * 400_000), "not that of an OpenAI-compatible server"),
    "nested answer": (answer_json(completion('{"lesions":' + "[" * 50_000)), "not in the form"),
    "other JSON": (answer_json({"error": {"message": PRIVATE}}), "not that of an OpenAI-compatible server"),
    "no choices": (answer_json({"choices": []}), "not that of an OpenAI-compatible server"),
    "server error": (answer_bytes(PRIVATE.encode(), 500), "HTTP 500"),
    "rejects the field": (answer_json({"error": "response_format"}, 400), "HTTP 400"),
    "only thoughts": (answer_json(completion("")), "answered nothing"),
    "no text": (answer_json(completion(None)), "answered nothing"),
    "prose": (answer_json(completion(f"Sure! The report describes a {PRIVATE}.")), "not in the form"),
    "a number": (answer_json(completion(json.dumps({"lesions": [{**LESION, "size_quote": 23}]}))), "not in the form"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_ends_in_a_clear_message_and_the_rules(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    misbehave, words = HOSTILE[name]
    started = time.monotonic()
    with FakeServer(misbehave) as server:
        reading = read(server, answer_s=0.4 if "within" in words else 5.0)
    assert time.monotonic() - started < 4
    assert reading.status == "no_answer"
    assert "gave no usable answer" in reading.reason
    assert words in reading.reason
    assert reading.reading == read_report(REPORT)
    assert not reading.ready_for_training
    assert PRIVATE not in reading.reason + caplog.text


def test_an_honest_server_is_asked_once_within_bounds() -> None:
    with FakeServer(answer_json(completion(lesions(LESION)))) as server:
        reading = read(server)
    assert [row.state for row in reading.rows] == ["agree"]
    assert (reading.provenance.model, reading.provenance.host) == ("fake", "127.0.0.1")
    probe, question = server.bodies
    assert PRIVATE not in json.dumps(probe)
    assert PRIVATE in json.dumps(question)
    assert (question["temperature"], question["max_tokens"]) == (0, 4096)
    assert question["response_format"]["type"] == "json_schema"


def test_a_server_may_mend_its_first_answer() -> None:
    contents = iter(["Sure!", lesions(LESION)])

    def second_thought(handler: BaseHTTPRequestHandler) -> None:
        answer_json(completion(next(contents)))(handler)

    with FakeServer(second_thought) as server:
        reading = read(server)
    assert (reading.status, reading.provenance.attempts) == ("answered", 2)


LIES = {
    "invents": {**LESION, "evidence": "There is a 9 cm mass in the spleen.", "organ": "spleen", "size_quote": "9 cm"},
    "inflates": {**LESION, "size_quote": "23 cm"},
    "moves": {**LESION, "organ": "pancreas", "place_quote": "head"},
    "negates": {**LESION, "presence": "absent"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_shown_and_changes_no_finding(lie: str) -> None:
    with FakeServer(answer_json(completion(lesions(LIES[lie])))) as server:
        reading = read(server)
    assert reading.status == "answered"
    assert not reading.ready_for_training
    (finding,) = reading.reading.findings
    assert finding.model_copy(update={"flags": []}) == read_report(REPORT).findings[0]
    assert finding.flags or reading.rows[0].state == "partly"


def test_a_server_that_ignores_the_schema_never_sees_the_report() -> None:
    with FakeServer(answer_json(completion(lesions())), ready=answer_json(completion("yes, ready"))) as server:
        reading = read(server)
    assert "does not keep to a JSON schema, so the report was not sent" in reading.reason
    assert len(server.bodies) == 2
    assert PRIVATE not in json.dumps(server.bodies)


def test_nobody_at_the_address() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    reading = read_with_assistant(REPORT, Endpoint(url))
    assert "No model server answers there" in reading.reason


def test_waiting_is_cancelled_at_once() -> None:
    def impatient(stage: str, fraction: float) -> None:
        if fraction > 0.21:
            raise Cancelled

    with FakeServer(stall) as server, pytest.raises(Cancelled):
        read_with_assistant(REPORT, Endpoint(server.url, limits=TimeLimits(answer_s=20)), progress=impatient)


def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A proxy would see the report; credentials would go to whoever listens."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    headers: list[str] = []

    def note_headers(handler: BaseHTTPRequestHandler) -> None:
        headers.extend(handler.headers)
        answer_json(completion(lesions(LESION)))(handler)

    with FakeServer(answer_json({}, 500)) as proxy, FakeServer(note_headers) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert requests.get(server.url.replace("127.0.0.1", "an.example.org"), timeout=5).status_code == 404
        assert len(proxy.paths) == 1  # the proxy works, for those who use it
        assert read(server).status == "answered"
        assert len(proxy.paths) == 1
    assert "Authorization" not in headers


class TestWhereReportsMayGo:
    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1", "http://localhost:1/v1", "http://[::1]:1/", "http://127.8.9.1"]
    )
    def test_this_computer_needs_no_consent(self, url: str) -> None:
        assert Endpoint(url).host

    @pytest.mark.parametrize(
        "url",
        [
            "https://llm.example.org", "http://192.168.1.7:8000", "http://127.0.0.1.example.org", "http://0.0.0.0:1",
            "https://localhost.example.org", "http://2130706433", "http://[::2]:1",
        ],
    )  # fmt: skip
    def test_another_host_needs_consent_that_names_it(self, url: str) -> None:
        with pytest.raises(InputError, match="leaves this computer and is sent to"):
            Endpoint(url, consents=[HostConsent("other.example.org")])

    def test_consent_is_for_one_host_and_for_https(self) -> None:
        consents = [HostConsent("LLM.example.org")]
        assert Endpoint("https://llm.example.org:8443/v1", consents=consents).host == "llm.example.org"
        with pytest.raises(InputError, match="unencrypted"):
            Endpoint("http://llm.example.org", consents=consents)
        assert "llm.example.org" in HostConsent("llm.example.org").statement

    @pytest.mark.parametrize(
        "url",
        ["ftp://127.0.0.1", "http://", "http://me:secret@127.0.0.1", "http://127.0.0.1:99999", "http://127.0.0.1/?a=b"],
    )
    def test_other_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(InputError, match="cannot be used") as caught:
            Endpoint(url)
        assert "secret" not in str(caught.value)


class TestOllama:
    @staticmethod
    def ask(model: str, tags: list[dict[str, str]], show: Any) -> tuple[AssistedReading, FakeServer]:
        ollama = {"/api/tags": {"models": tags}, "/api/show": show}
        with FakeServer(answer_json(completion(lesions(LESION))), ollama) as server:
            return read_with_assistant(REPORT, Endpoint(server.url, model, limits=TimeLimits(answer_s=5))), server

    def test_a_downloaded_model_is_asked(self) -> None:
        reading, server = self.ask("llama", [{"name": "llama:latest"}], {"details": {"format": "gguf"}})
        assert reading.status == "answered"
        assert "/api/show" in server.paths

    @pytest.mark.parametrize(
        ("model", "tags", "show"),
        [
            ("big:cloud", [], {}),
            ("big:120b-cloud", [], {}),
            ("big", [{"name": "big:latest", "remote_host": "https://ollama.com:443", "remote_model": "big"}], {}),
            ("mine", [{"name": "mine:latest"}], {"remote_model": "big", "remote_host": "https://ollama.com:443"}),
        ],
        ids=["tag", "size and tag", "listed as remote", "shown as remote"],
    )
    def test_a_cloud_model_behind_loopback_is_refused(self, model: str, tags: list[dict[str, str]], show: Any) -> None:
        with pytest.raises(InputError, match="in a cloud"):
            self.ask(model, tags, show)

    @pytest.mark.parametrize("show", [[], "yes", {"remote_host": 7}])
    def test_where_it_cannot_tell_the_report_is_not_sent(self, show: Any) -> None:
        try:
            reading, _ = self.ask("llama", [{"name": "llama:latest"}], show)
        except InputError as error:
            assert "cannot say where" in str(error)
        else:
            assert reading.status == "no_answer"
            assert reading.provenance.attempts == 0
