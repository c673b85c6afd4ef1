"""Talks to the control listener of a host as programs do: by what lies in its state folder."""

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

from host_process import TIME_FACTOR

PATIENCE_S = 20 * TIME_FACTOR


class Reply:
    """status, headers, body (bytes)."""

    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body!r}"


class Control:
    """One connection for each request, so that none waits for another."""

    def __init__(self, url: str, token: str):
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port
        self.token = token

    @classmethod
    def of(cls, state: Path, running=lambda: True) -> "Control":
        """As soon as the host with this state folder is ready; fails when it ends before."""
        deadline = time.monotonic() + PATIENCE_S
        while not (state / "control.json").exists():
            assert time.monotonic() < deadline, f"no control.json in {state}"
            assert running(), f"the host ended, and there was no control.json in {state}"
            time.sleep(0.002)
        document = json.loads((state / "control.json").read_text())
        return cls(document["control"], Path(document["token_file"]).read_text().strip())

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None, timeout: float = PATIENCE_S) -> Reply:
        """`headers`: beside the token; None as a value leaves a header out."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **more) -> Reply:
        return self.ask("GET", path, **more)

    def pull(self, job: str, task: int, method: str, body: bytes = b"", **more) -> Reply:
        return self.ask("POST", f"/v1/jobs/{job}/tasks/{task}/{method}", body, **more)

    def status(self) -> dict:
        reply = self.get("/v1/status")
        assert reply.status == 200, reply
        return reply.json()
