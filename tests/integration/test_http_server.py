"""host/http over real sockets, driven byte by byte: what a well-behaved client library would never do."""

import http.client
import json
import resource
import socket
import subprocess
import time

import pytest

from host_process import TIME_FACTOR

TOKEN = "integration-test-token"
PATIENCE_S = 20 * TIME_FACTOR


class Server:
    """A running http_echo."""

    def __init__(self, program, settings):
        arguments = [str(program), TOKEN, *(f"{name}={value}" for name, value in settings.items())]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def connect(self) -> "Client":
        return Client(self.port)

    def stats(self) -> dict:
        with self.connect() as client:
            client.send(client.get("/stats"))
            return json.loads(client.answer()[1])

    def close(self):
        self.process.stdin.close()
        assert self.process.stdout.readline() == "closed\n"
        assert self.process.wait(PATIENCE_S) == 0


class Client:
    """A connection that sends what it is told and splits answers."""

    def __init__(self, port: int):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.input = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()

    def post(self, path: str, body: bytes, announced: int | None = None) -> bytes:
        length = len(body) if announced is None else announced
        head = f"POST {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
        return head.encode() + body

    def send(self, data: bytes):
        self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        while b"\r\n\r\n" not in self.input:
            self._read()
        head, self.input = self.input.split(b"\r\n\r\n", 1)
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        while len(self.input) < length:
            self._read()
        body, self.input = self.input[:length], self.input[length:]
        return int(head.split()[1]), body

    def ended(self) -> bool:
        """Waits for the end; whether nothing came before it."""
        return self.input == b"" and self.socket.recv(1) == b""

    def _read(self):
        data = self.socket.recv(65536)
        assert data, f"the connection ended after {self.input!r}"
        self.input += data


@pytest.fixture
def start_server(build_dir):
    """start_server(**settings) -> Server; it is closed, and must close well, when the test ends."""
    program = build_dir / "tests" / "http_echo"
    assert program.is_file(), f"{program} is missing: build first"
    servers = []

    def start(**settings) -> Server:
        servers.append(Server(program, settings))
        return servers[-1]

    try:
        yield start
        for server in servers:
            server.close()
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


def test_a_head_that_trickles_in_is_cut_off_in_time(start_server):
    server = start_server(head_ms=300)
    with server.connect() as client:
        started = time.monotonic()
        for byte in client.get("/livez"):
            try:
                client.send(bytes([byte]))
            except OSError:
                break
            time.sleep(0.02)
            if time.monotonic() - started > 1:
                break
        status, body = client.answer()
        assert status == 408, body
        assert client.ended()
        assert 0.3 <= time.monotonic() - started < 0.3 + PATIENCE_S
    assert server.stats()["overdue"] == 1


def test_a_body_that_stalls_is_cut_off_in_time(start_server):
    server = start_server(body_ms=300)
    with server.connect() as client:
        started = time.monotonic()
        client.send(client.post("/echo", b"x" * 10, announced=11))
        status, body = client.answer()
        assert (status, body) == (408, b'{"error": "the body took too long"}\n')
        assert client.ended()
        assert time.monotonic() - started >= 0.3


def test_an_idle_connection_is_closed_without_a_word_and_a_busy_one_is_not(start_server):
    server = start_server(idle_ms=300)
    with server.connect() as idle, server.connect() as busy:
        idle.send(idle.post("/echo", b"x"))
        assert idle.answer() == (200, b"x")
        busy.send(busy.post("/later/900", b"y"))
        assert idle.ended()
        assert busy.answer() == (200, b"y")
        assert busy.ended()


def test_a_half_open_connection_is_answered(start_server):
    server = start_server()
    with server.connect() as client:
        client.send(client.post("/later/100", b"a") + client.post("/echo", b"b"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer() == (200, b"a")
        assert client.answer() == (200, b"b")
        assert client.ended()


def test_pipelined_requests_are_answered_in_order_by_several_threads(start_server):
    server = start_server(threads=4)
    with server.connect() as client:
        requests = b""
        for i in range(500):
            path = f"/later/{(i * 7) % 20}" if i % 3 else "/echo"
            requests += client.post(path, str(i).encode())
        client.send(requests)
        for i in range(500):
            assert client.answer() == (200, str(i).encode())


def test_every_split_of_two_requests_gives_the_same_answers(start_server):
    server = start_server()
    with server.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        both = client.post("/echo", b"hello") + client.get("/livez")
        for cut in range(1, len(both)):
            client.send(both[:cut])
            client.send(both[cut:])
            assert client.answer() == (200, b"hello")
            assert client.answer() == (200, b'{"live": true}\n')


def test_a_client_of_another_make_and_its_large_bodies(start_server):
    server = start_server()
    body = bytes(range(256)) * 20_000
    pieces = [body[i : i + 100_000] for i in range(0, len(body), 100_000)]
    client = http.client.HTTPConnection("localhost", server.port, timeout=PATIENCE_S)
    for sent, chunked in ((body, False), (iter(pieces), True), (body, False)):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        client.request("POST", "/echo", body=sent, headers=headers, encode_chunked=chunked)
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, body)
    client.close()


def test_the_4097th_connection_closes_the_longest_idle(start_server):
    files = 4096 + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        pytest.skip(f"this test opens {files} files, and no more than {hard} are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    clients = []
    try:
        server = start_server(files=files)
        for _ in range(4096):
            clients.append(server.connect())
        for client in (clients[0], clients[2]):  # 1 has been idle for longest from here on
            client.send(client.get("/livez"))
            assert client.answer()[0] == 200
        deadline = time.monotonic() + PATIENCE_S
        while True:  # the kernel connects sooner than the server accepts
            clients[0].send(clients[0].get("/stats"))
            stats = json.loads(clients[0].answer()[1])
            if stats["open"] == 4096 or time.monotonic() > deadline:
                break
        assert (stats["open"], stats["evicted"], stats["refused"]) == (4096, 0, 0)
        clients.append(server.connect())
        clients[-1].send(clients[-1].get("/stats"))
        stats = json.loads(clients[-1].answer()[1])
        assert (stats["open"], stats["evicted"], stats["refused"]) == (4096, 1, 0)
        assert clients[1].ended()
        for client in (clients[0], clients[2], clients[4095]):
            client.send(client.post("/echo", b"still here"))
            assert client.answer() == (200, b"still here")
    finally:
        for client in clients:
            client.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_out_of_files_idle_connections_give_way_and_nothing_spins(start_server):
    server = start_server(files=40)
    clients = []
    for _ in range(60):
        clients.append(server.connect())
        clients[-1].send(clients[-1].get("/livez"))  # the newest is never the one that gives way
        assert clients[-1].answer()[0] == 200
    clients[-1].send(clients[-1].get("/stats"))
    status, body = clients[-1].answer()
    stats = json.loads(body)
    assert status == 200
    assert stats["evicted"] >= 20
    for client in clients:
        client.socket.close()


def test_closing_waits_for_what_was_taken(start_server):
    server = start_server()
    with server.connect() as client:
        client.send(client.post("/later/300", b"x"))
        with server.connect() as other:  # answered, so that the first is taken by now
            other.send(other.get("/livez"))
            assert other.answer()[0] == 200
        server.process.stdin.close()
        assert client.answer() == (200, b"x")
        assert client.ended()
