"""One HTTP exchange with a server that is not trusted: bounded in time and size, no redirects, no proxies, no logs."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from RSuperLib.io.errors import RSuperError
from RSuperLib.io.progress import Progress

#: Bytes. The longest answer that was asked for is a tenth of it.
LARGEST_BODY = 1_000_000
_CONNECT_S = 5.0
_TICK_S = 0.05
_CHUNK = 8192
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "rsuper"}


class ExchangeError(RSuperError):
    """The server gave no answer that can be read as JSON."""


class _Stopped(Exception):  # noqa: N818 - nobody waits for the answer any more
    """The one who asked has left."""


@dataclass(frozen=True)
class Reply:
    """Status and JSON of an answer; `body` is None where it is no JSON."""

    status: int
    body: Any


def exchange(method: str, url: str, body: Any, deadline_s: float, progress: Progress) -> Reply:
    """Send `body` (JSON; None for none) and return the reply.

    Args:
        method: GET or POST.
        url: where to.
        deadline_s: seconds until everything must have arrived, however slowly the server drips.
        progress: told how much of the time is gone; may raise `Cancelled`.

    Raises:
        ExchangeError: nothing answers there, or too late, too long, or with a redirect. The message holds nothing of
            what was sent or received.
        Cancelled: from `progress`.
    """
    errand = _Errand(method, url, body, deadline_s)
    thread = threading.Thread(target=errand.run, daemon=True)
    started = time.monotonic()
    thread.start()
    try:
        while thread.is_alive():
            gone = time.monotonic() - started
            if gone > deadline_s:
                raise _too_slow(deadline_s)
            progress("waiting for the model", min(gone / deadline_s, 1.0))
            thread.join(_TICK_S)
    finally:
        errand.stop.set()
    return errand.outcome()


class _Errand:
    """The exchange itself, in a thread of its own, so that a server that stalls holds nobody up.

    When it is told to stop it ends with the next byte, or when the server is silent for the deadline.
    """

    def __init__(self, method: str, url: str, body: Any, deadline_s: float) -> None:
        self._request = (method, url, body)
        self._deadline_s = deadline_s
        self._reply: Reply | None = None
        self._error: ExchangeError | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            self._reply = self._exchange()
        except ExchangeError as error:
            self._error = error
        except (requests.Timeout, ReadTimeoutError):
            self._error = _too_slow(self._deadline_s)
        except requests.exceptions.SSLError:
            self._error = _problem("The model server has no certificate that this computer trusts.")
        except requests.ConnectionError:
            self._error = _problem("No model server answers there, or it broke off.")
        except (requests.RequestException, HTTPError):
            self._error = _problem("The model server broke off or does not speak HTTP.")
        except _Stopped:
            return

    def outcome(self) -> Reply:
        if self._reply is None:
            raise self._error or _problem("The model server broke off.")
        return self._reply

    def _exchange(self) -> Reply:
        method, url, body = self._request
        with requests.Session() as session:
            session.trust_env = False  # no proxies, no .netrc, no certificates from the environment
            with contextlib.closing(
                session.request(
                    method, url, json=body, headers=_HEADERS, stream=True, allow_redirects=False,
                    timeout=(_CONNECT_S, self._deadline_s),
                )
            ) as response:  # fmt: skip
                _check_headers(response)
                return Reply(response.status_code, _json(self._content(response)))

    def _content(self, response: requests.Response) -> bytes:
        content = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            content += chunk
            if self.stop.is_set():
                raise _Stopped
            if len(content) > LARGEST_BODY:
                raise _problem("The model server's answer is too long.")
        return bytes(content)


def _check_headers(response: requests.Response) -> None:
    if 300 <= response.status_code < 400:
        raise _problem("The model server redirects elsewhere, which is not followed.")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _problem("The model server's answer is compressed, which was not asked for.")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _too_slow(deadline_s: float) -> ExchangeError:
    return _problem(f"The model server did not answer within {deadline_s:g} s.")


def _problem(message: str) -> ExchangeError:
    return ExchangeError(message, "Check that the server runs and serves the model.")
