"""Servers in processes of their own, as an audit meets them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Serve = Callable[..., "tuple[str, subprocess.Popen[str]]"]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Start a script of this folder with arguments; its address, and its process, which ends with the tests."""
    with contextlib.ExitStack() as stack:

        def start(script: str, *arguments: str) -> tuple[str, subprocess.Popen[str]]:
            command = [sys.executable, str(HERE / script), *arguments]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, f"{script} did not start"
            return f"http://127.0.0.1:{port}/v1", process

        yield start
