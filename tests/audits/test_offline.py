"""Cut off, a process reaches this machine and no other."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import socket, sys
from slm_audit.audits.offline import cut_off
cut_off()
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
for attempt in (lambda: socket.create_connection(("192.0.2.1", 80), 1), lambda: socket.getaddrinfo("example.org", 80)):
    try:
        attempt()
    except Exception as error:
        assert "--offline" in str(error), error
    else:
        sys.exit("it went out")
"""


def test_no_connection_leaves_this_machine() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
