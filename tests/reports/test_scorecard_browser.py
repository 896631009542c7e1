"""A real browser opens the scorecard from disk, runs nothing of it and asks nobody for anything."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from slm_audit.reports.record import Record
from slm_audit.reports.scorecard import render_html

Sample = Callable[..., tuple[Record, list[object]]]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium was found; the scorecard was not opened in a browser"),
]
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine and the paths that were asked of it."""
    paths: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, paths
    server.shutdown()
    thread.join()
    server.server_close()


def dom(page: str, folder: Path) -> str:
    """What the browser makes of a page that it opens from disk."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    assert CHROMIUM is not None
    said = subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr.decode(errors="replace")[-2000:]
    return said.stdout.decode()


def elements(page: str) -> tuple[set[str], set[str]]:
    """The names of the elements and attributes of a page."""
    tags, names = set(), set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            names.update(name for name, _ in attrs)

    Reader().feed(page)
    return tags, names


def attacks(port: int) -> list[str]:
    """Text that would run or ask, if it became markup."""
    return [
        "<script>document.title='taken'</script>",
        f"<img src=http://127.0.0.1:{port}/img onerror=\"document.title='taken'\">",
        f"</pre></style><link rel=stylesheet href=http://127.0.0.1:{port}/css>",
        f'"><iframe src=http://127.0.0.1:{port}/frame></iframe>',
        f"<meta http-equiv=refresh content='0;url=http://127.0.0.1:{port}/away'>",
        "<svg/onload=\"document.title='taken'\">",
    ]


def test_the_attacks_work_on_a_page_that_does_not_escape(tmp_path: Path, asked: tuple[int, list[str]]) -> None:
    port, paths = asked
    seen = dom(f"<!doctype html><title>x</title>{''.join(attacks(port)[:2])}", tmp_path)
    assert "<title>taken</title>" in seen
    assert "/img" in paths


def test_nothing_runs_and_nobody_is_asked(tmp_path: Path, asked: tuple[int, list[str]], sample: Sample) -> None:
    port, paths = asked
    words = itertools.cycle(attacks(port))
    record, said = sample(lambda text: f"{next(words)}{text}")
    seen = dom(render_html(record, said), tmp_path)  # type: ignore[arg-type]
    assert paths == []
    tags, names = elements(seen)
    assert not tags & {"script", "img", "iframe", "link"}
    assert not [name for name in names if name.startswith("on")]
    assert "<title>Fail: " in seen
    assert '<p class="big">Fail</p>' in seen


def test_even_raw_markup_could_not_run(tmp_path: Path, asked: tuple[int, list[str]], sample: Sample) -> None:
    port, paths = asked
    page = render_html(*sample())  # type: ignore[arg-type]
    seen = dom(page.replace("<main>", f"<main>{''.join(attacks(port)[:4])}"), tmp_path)
    assert paths == []
    assert "<title>taken" not in seen
