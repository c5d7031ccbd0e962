"""Starts the canned server beside a benchmark and hears what it cost; makes its certificate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.measure import ROOT, BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAM = os.path.join(ROOT, "scripts", "benchmarks", "wire_server.py")


@dataclass(slots=True)
class Canned:
    """A running server. After the `with` block: requests, connections, cpu and wall seconds, first and last
    (monotonic), and the seconds between the first and the last tenth of the answers.
    """

    url: str
    env: dict[str, str]
    requests: int = 0
    connections: int = 0
    first: float = 0.0
    last: float = 0.0
    middle: float = 0.0
    cpu: float = 0.0
    wall: float = 0.0

    @property
    def load(self) -> float:
        """The share of one core it was busy: well below 1, or it held the client back."""
        return self.cpu / self.wall if self.wall else 0.0


@contextmanager
def canned_server(work: str, *, tls: bool, **settings: Any) -> Iterator[Canned]:
    """The server, for one client's run. `settings` as `wire_server.Settings`."""
    if tls:
        settings |= dict(zip(("cert", "key"), _certificate(work), strict=True))
    child = subprocess.Popen(
        [sys.executable, _PROGRAM, json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None  # noqa: S101  # a pipe
    assert child.stdout is not None  # noqa: S101  # a pipe
    port = int(child.stdout.readline())
    began = time.monotonic()
    scheme, env = ("https", {"SSL_CERT_FILE": settings["cert"]}) if tls else ("http", {})
    server = Canned(f"{scheme}://127.0.0.1:{port}/api/v2", env)
    try:
        yield server
    finally:
        server.wall = time.monotonic() - began
        child.stdin.close()
        counts = json.loads(child.stdout.read() or b"{}")
        child.wait()
        for name, value in counts.items():
            if name != "bytes":
                setattr(server, name, value)


def _certificate(work: str) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that nobody else trusts, made once; its path and its key's."""
    cert, key = os.path.join(work, "cert.pem"), os.path.join(work, "key.pem")
    if not os.path.exists(cert):
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650"
            " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
        )
        done = subprocess.run(
            [*command.split(), "-keyout", key, "-out", cert], capture_output=True, check=False
        )
        if done.returncode:
            raise BenchError(f"openssl made no certificate: {done.stderr.decode()[-300:]}")
    return cert, key
