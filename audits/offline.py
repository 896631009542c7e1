"""Cut the process off: any connection to another machine becomes an error."""

from __future__ import annotations

import ipaddress
import os
import sys
import threading

from .errors import UserError

_CUT_OFF = threading.Event()


def cut_off() -> None:
    """From now on connections and name look-ups that leave this machine raise; cannot be undone."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    if not is_cut_off():
        sys.addaudithook(_refuse)
    _CUT_OFF.set()


def is_cut_off() -> bool:
    """Whether this process is cut off."""
    return _CUT_OFF.is_set()


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not _local(str(address[0])):
            raise UserError(f"--offline: a connection to {address[0]} was attempted and refused")
    elif event == "socket.getaddrinfo":
        name = arguments[0].decode("ascii", "replace") if isinstance(arguments[0], bytes) else str(arguments[0])
        if not _local(name):
            raise UserError(f"--offline: the name {name} was to be looked up, which is refused")


def _local(host: str) -> bool:
    if host in ("localhost", "None", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
