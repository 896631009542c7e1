"""Send JSON to the addresses of a server: bounded in number, time and size, tried again with back-off."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from .faults import RequestFault, ServerGone, cause_of, words_of
from .key import STRUCK, struck
from .stream import DONE, Arrived, BrokenStream, put_together

MOST_BYTES = 8_000_000
LONGEST_WAIT = 300.0
"""Seconds. A server that asks for a longer rest is left alone, and the run can be resumed."""
BREAKS = 3
"""A question that breaks the connection so often is one that the server cannot be asked."""
_BUSY = frozenset({408, 425, 429, 502, 503, 504})


@dataclass(slots=True, kw_only=True)
class Address:
    """One place where the model is served; it is not asked again before `rests_until` (monotonic seconds).

    Whose streams have once said that they are done must say so each time.
    """

    url: str
    asked: int = 0
    rests_until: float = 0.0
    says_done: bool = False

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc


class Reply(NamedTuple):
    """What an address said, as JSON; after how many seconds it was there, and its first token if it was streamed."""

    said: object
    address: Address
    seconds: float
    first_seconds: float | None


class _Again(NamedTuple):
    """A failure that may pass: the fault it becomes if it does not, and the seconds that the server asks for.

    After `most` tries it is final. Where `everyone` meets it, it is the server's and not the request's.
    `broke`: there was no reply, for the connection broke; servers also close idle ones at any moment.
    """

    fault: RequestFault
    wait: float | None = None
    most: int | None = None
    everyone: bool = False
    broke: bool = False


class Client:
    """Asks the least busy address first. Redirects are not followed, so a key stays with the host it was given for.

    Neither proxies nor .netrc of the environment are used, for they would be given the key.
    """

    def __init__(
        self, urls: Sequence[str], key: str, *, concurrency: int, time_out: float, retries: int, pause: float = 0.5
    ) -> None:
        """Nothing is sent yet. `pause` is the first back-off in seconds; each further one is twice as long."""
        self.addresses = [Address(url=one) for one in urls]
        self._key = key
        self._time_out = time_out
        self._tries = retries + 1
        self._pause = pause
        self._slots = asyncio.Semaphore(concurrency * len(urls))
        self._dice = random.Random()
        self._still_there: tuple[str, Mapping[str, object]] | None = None
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(time_out, connect=min(10.0, time_out)),
            limits=httpx.Limits(max_connections=None),
            follow_redirects=False,
            trust_env=False,
            verify=ssl.create_default_context(),
        )

    def knows(self, path: str, body: Mapping[str, object]) -> None:
        """Remember a question that the server has answered: it tells a bad request from a server that is gone."""
        self._still_there = (path, body)

    async def post(self, path: str, body: Mapping[str, object]) -> Reply:
        """The reply to a JSON body. RequestFault: this request cannot be answered. ServerGone: none can, now."""
        async with self._slots:
            tried = 0
            while True:
                address = await self._rested()
                failed = await self._tried(address, "POST", path, body)
                if isinstance(failed, Reply):
                    return failed
                tried += 1
                if tried >= min(self._tries, failed.most or self._tries):
                    break
                pause = self._pause * 2 ** (tried - 1) * self._dice.uniform(0.5, 1.5)
                wait = min(pause, LONGEST_WAIT) if failed.wait is None else failed.wait
                if wait > LONGEST_WAIT:
                    raise ServerGone(f"{address.host} asks to be left alone for {wait:.0f} s")
                if failed.everyone:
                    address.rests_until = max(address.rests_until, time.monotonic() + wait)
                else:  # one bad request does not hold up the others
                    await asyncio.sleep(wait)
        if failed.everyone or not await self._answers():
            raise ServerGone(f"{address.host}: {failed.fault}")
        raise failed.fault

    async def at(self, address: Address, method: str, path: str, body: Mapping[str, object] | None = None) -> Reply:
        """One address's own answer, tried again if it is busy or the connection broke; raises what `post` raises."""
        tried = 0
        while True:
            failed = await self._tried(address, method, path, body)
            if isinstance(failed, Reply):
                return failed
            tried += 1
            if not failed.everyone and (not failed.broke or tried >= min(BREAKS, self._tries)):
                raise failed.fault
            wait = self._pause * 2**tried if failed.wait is None else failed.wait
            unreached = failed.everyone and not failed.fault.status
            if unreached or tried >= self._tries or wait > LONGEST_WAIT:
                raise ServerGone(f"{address.host}: {failed.fault}")
            await asyncio.sleep(wait)

    async def _rested(self) -> Address:
        """The least busy address that need not rest, waited for."""
        while True:
            now = time.monotonic()
            ready = [one for one in self.addresses if one.rests_until <= now]
            if ready:
                return min(ready, key=lambda one: one.asked)
            await asyncio.sleep(min(one.rests_until for one in self.addresses) - now)

    async def _tried(
        self, address: Address, method: str, path: str, body: Mapping[str, object] | None
    ) -> Reply | _Again:
        address.asked += 1
        try:
            async with asyncio.timeout(self._time_out):
                status, headers, parts = await self._sent(f"{address.url}/{path}", method, body)
        except (TimeoutError, httpx.TimeoutException):
            return _Again(RequestFault("time_out", f"no reply within {self._time_out:g} s"), most=2)
        except httpx.ConnectError as error:
            return _Again(RequestFault("server", f"cannot be reached ({error})"), everyone=True)
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _Again(RequestFault("server", f"the connection broke ({type(error).__name__})"), broke=True)
        except ExceptionGroup as bundle:  # what a connection that is refused by --offline raises comes so
            raise _first(bundle) from None
        except _TooLarge:
            raise RequestFault("server", f"the reply is larger than {MOST_BYTES:,} bytes") from None
        finally:
            address.asked -= 1
        first_seconds = None
        if status == 200 and body is not None and "stream" in body and "json" not in headers.get("content-type", ""):
            try:
                whole, status, first_seconds, done = put_together(parts)
                if address.says_done and not done:
                    raise BrokenStream(f"ended before its {DONE}")
                address.says_done = done
                said = struck(whole, self._key)
            except (BrokenStream, RecursionError) as broken:
                return _Again(RequestFault("server", f"the stream {broken}", status))
        else:
            said = _parsed(b"".join(one.data for one in parts).decode("utf-8", "replace"), self._key)
        read = self._read(address, status, headers, said)
        return read if isinstance(read, _Again) else Reply(read, address, parts[-1].seconds, first_seconds)

    async def _sent(
        self, url: str, method: str, body: Mapping[str, object] | None
    ) -> tuple[int, httpx.Headers, list[Arrived]]:
        begun = time.perf_counter()
        async with self._http.stream(method, url, json=body) as reply:
            parts, size = [Arrived(time.perf_counter() - begun, b"")], 0
            async for part in reply.aiter_bytes():
                size += len(part)
                if size > MOST_BYTES:
                    raise _TooLarge
                parts.append(Arrived(time.perf_counter() - begun, part))
            return reply.status_code, reply.headers, parts

    def _read(self, address: Address, status: int, headers: httpx.Headers, said: object) -> object:
        """The JSON that was said, or the failure that may pass; RequestFault or ServerGone for others."""
        words = words_of(said)
        if 300 <= status < 400:
            there = _host_of(str(struck(headers.get("location", ""), self._key))) or address.host
            raise RequestFault("redirect", f"it points to {there}, which is not followed; name that address", status)
        if status == 401:
            raise ServerGone(f"{address.host} refuses the key ({status}: {words})", refused=True)
        if status in _BUSY:
            fault = RequestFault("server", f"{status}: {words}", status)
            return _Again(fault, wait=_asked_for(headers.get("retry-after", "")), everyone=True)
        if status >= 500:
            return _Again(RequestFault("server", f"{status}: {words}", status))
        if status == 403:  # of this request alone, or of all: the question that was answered before tells
            return _Again(RequestFault("refused", f"403: {words}", status), most=1)
        if status >= 400:
            raise RequestFault(cause_of(status, words), f"{status}: {words}", status)
        if not isinstance(said, dict):
            return _Again(RequestFault("server", "the reply is no JSON object", status))
        return said

    async def _answers(self) -> bool:
        """Whether the question that was answered before still is, at any address."""
        if self._still_there is None:
            return True
        path, body = self._still_there
        for address in self.addresses:
            try:
                if isinstance(await self._tried(address, "POST", path, body), Reply):
                    return True
            except (RequestFault, ServerGone):
                continue
        return False


class _TooLarge(Exception):
    pass


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def _parsed(text: str, key: str) -> object:
    """The JSON in a text, or the text itself where it is none; without the key."""
    try:
        return struck(json.loads(text, parse_constant=_refused_number), key)
    except (ValueError, RecursionError):
        return struck(text, key)


def _host_of(location: str) -> str:
    """Host and port of an address that a server names, without a user's name or key; "" where there is none."""
    try:
        return words_of(urlsplit(location.replace(STRUCK, "key")).netloc.rpartition("@")[2])  # brackets are of IPv6
    except ValueError:
        return ""


def _refused_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _asked_for(retry_after: str) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    if not retry_after:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(retry_after))
    with contextlib.suppress(ValueError):
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None
    return None
