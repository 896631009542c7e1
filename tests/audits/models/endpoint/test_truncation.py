"""What a server cuts off the distribution that it draws from is found out and undone where it lets itself be told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from slm_audit.audits.models.endpoint.truncation import untruncated
from slm_audit.probes.contract import Completion


class Server:
    """Draws one of 100 tokens by the seed; heeds some fields, ignores others, refuses some values."""

    def __init__(self, *heeded: str, refused: tuple[tuple[str, float], ...] = ()) -> None:
        self.heeded, self.refused = heeded, refused

    async def ask(self, seed: int, more: Mapping[str, object]) -> Completion | None:
        if self.refused and set(more.items()) & set(self.refused):
            return None
        kept = 100.0
        if "top_k" in self.heeded and more.get("top_k", 0) not in (0, -1):
            kept = min(kept, float(str(more["top_k"])))
        if "top_p" in self.heeded:
            kept = min(kept, 100 * float(str(more.get("top_p", 0.95))))
        if "min_p" in self.heeded and more.get("min_p") == 1.0:
            kept = 1
        return Completion(text=str(seed * 37 % 100 % max(1, int(kept))), finish="length")


@pytest.mark.parametrize(
    ("server", "fields"),
    [
        (Server("top_p", "top_k", "min_p"), {"top_p": 1.0, "top_k": -1, "min_p": 0.0}),
        (Server("top_p", "top_k", refused=(("top_k", -1), ("min_p", 1.0))), {"top_p": 1.0, "top_k": 0}),
        (Server("top_p"), {"top_p": 1.0}),
        (Server(), {}),
    ],
)
def test_only_fields_that_are_heeded_are_sent_with_a_value_that_is_taken(
    server: Server, fields: dict[str, object]
) -> None:
    assert asyncio.run(untruncated(server.ask, (11, 12))) == fields
