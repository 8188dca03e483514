"""A time-stamping authority made with OpenSSL, whose answers come in the shapes that real ones have."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = {named}
ess_cert_id_chain = no
ess_cert_id_alg = sha256
clock_precision_digits = {digits}
{chain}
[extensions]
extendedKeyUsage = critical,timeStamping
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


class TimeAuthority:
    """Its keys and certificates in *folder*: a root, one that it certified in between where *deep*, and the signer."""

    def __init__(
        self, folder: Path, *, deep: bool = False, chain: bool = False, named: bool = False, digits: int = 0
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.root = folder / "root.pem"
        told = "certs = chain.pem" if chain else ""
        (folder / "tsa.cnf").write_text(CONFIG.format(named="yes" if named else "no", digits=digits, chain=told))
        (folder / "serial").write_text("01\n")
        self._certify("root", None, "ca")
        if deep:
            self._certify("middle", "root", "ca")
        self._certify("tsa", "middle" if deep else "root", "extensions")
        parts = ("middle", "root") if deep else ("root",)
        (folder / "chain.pem").write_text("".join((folder / f"{part}.pem").read_text() for part in parts))

    def reply(self, query: bytes) -> bytes:
        """Return the response to *query*."""
        (self.folder / "query").write_bytes(query)
        self._openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def stamp(self, message: bytes, *asked: str) -> bytes:
        """Return the response to a query that OpenSSL made, with the options *asked*."""
        (self.folder / "message").write_bytes(message)
        self._openssl("ts", "-query", "-data", "message", "-cert", *asked, "-out", "asked")
        return self.reply((self.folder / "asked").read_bytes())

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Answer over HTTP; yields the URL."""
        reply = self.reply

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = reply(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _certify(self, name: str, issuer: str | None, extensions: str) -> None:
        key = ("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        self._openssl(*key)
        asked = ("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}.example.test", "-out", f"{name}.csr")
        self._openssl(*asked, "-config", "/dev/null")
        by = ["-signkey", f"{name}.key"]
        if issuer is not None:
            by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"]
        made = ("-days", "2", "-extfile", "tsa.cnf", "-extensions", extensions)
        self._openssl("x509", "-req", "-in", f"{name}.csr", *by, *made, "-out", f"{name}.pem")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True)
