"""The far end of a text service: a real HTTP server on loopback that keeps what it is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class Receiver:
    """The far end: keeps each request with its body, and answers with *status* and *body*."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 201
        self.body = b'{"sid": "SM00", "status": "queued"}'
        self.headers: dict[str, str] = {}
        self.hangs_up = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name is the library's
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if receiver.hangs_up:
                    self.connection.close()
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def forms(self) -> tuple[dict[str, str], ...]:
        """What was posted as a form."""
        return tuple({k: v for k, (v,) in parse_qs(body.decode()).items()} for _, _, body in self.asked)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers on loopback, for as long."""
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()
