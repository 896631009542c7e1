"""What can go wrong with a request: with this one alone, or with the server."""

from __future__ import annotations

import re
from typing import Literal

Cause = Literal["too_long", "filtered", "refused", "server", "time_out", "redirect"]
MOST_SAID = 200


class RequestFault(Exception):
    """This one request cannot be answered. The cause leads the message and becomes the reply's `error`."""

    def __init__(self, cause: Cause, said: str, status: int = 0) -> None:
        """Name the cause; `status` is HTTP's, 0 where there was no reply."""
        super().__init__(f"{cause}: {said}")
        self.cause = cause
        self.status = status


class ServerGone(Exception):
    """The server answers nothing now: to go on would only turn evidence into errors. `refused`: not with this key."""

    def __init__(self, said: str, *, refused: bool = False) -> None:
        """Say what happened."""
        super().__init__(said)
        self.refused = refused


_TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|too long|too many tokens|max(imum)?[ _]model[ _]len", re.I)
_FILTERED = re.compile(r"content[ _](filter|policy|management)|flagged|moderation", re.I)


def cause_of(status: int, said: str) -> Cause:
    """Why a server refused a request, from its status and its own words."""
    if status >= 500:
        return "server"
    if status == 413 or _TOO_LONG.search(said):
        return "too_long"
    return "filtered" if _FILTERED.search(said) else "refused"


def words_of(said: object) -> str:
    """A server's own words in an error reply of any of the usual shapes, on one line, cut to 200 characters."""
    while isinstance(said, dict):
        said = next((said[name] for name in ("error", "message", "detail") if name in said), str(said))
    return " ".join(str(said).split())[:MOST_SAID]
