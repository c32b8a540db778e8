"""Answers kept as bytes: completed once for (question, position, day, access set) and handed out as they are."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

MOST_KEPT_BYTES = 64 * 1024 * 1024
WORTH_COMPRESSING = 1_024
_LEVEL = 5


@dataclass(slots=True)
class Kept:
    """One complete answer: its bytes, its strong ETag, its headers; compressed bytes are made at the first wish."""

    body: bytes
    headers: Mapping[str, str]
    media_type: str
    etag: str
    compressed: bytes | None = field(default=None, repr=False)
    restricted: frozenset[str] = frozenset()
    """What it names that is not for everyone."""
    ready: dict[bool, list[tuple[bytes, bytes]]] = field(default_factory=dict, repr=False)

    @classmethod
    def make(
        cls,
        body: bytes,
        headers: Mapping[str, str],
        *,
        release: str,
        rights: str,
        media_type: str,
        restricted: frozenset[str] = frozenset(),
    ) -> Kept:
        """Return an answer whose ETag comes from its bytes (they name the basis), the release and the rights."""
        digest = hashlib.blake2b(body, digest_size=16, person=b"ledger-etag")
        digest.update(f"|{release}|{rights}|{media_type}".encode())
        return cls(body, dict(headers), media_type, f'"{digest.hexdigest()}"', restricted=restricted)

    def answer(self, request: Request, *, packing: bool = True) -> Response:
        """Return the answer for this request: 304 when the caller has it, compressed when the caller takes that."""
        packed = (
            packing
            and len(self.body) > WORTH_COMPRESSING
            and takes_gzip(request.headers.get("accept-encoding"))
        )
        wanted = request.headers.get("if-none-match")
        if wanted is not None and matches(wanted, self.etag):
            return self._response(b"", packed=packed, status=304)
        if packed and self.compressed is None:
            self.compressed = gzip.compress(self.body, _LEVEL, mtime=0)
        return self._response(
            self.compressed if packed and self.compressed else self.body, packed=packed, status=200
        )

    def _response(self, body: bytes, *, packed: bool, status: int) -> Response:
        response = Response(body, status_code=status)
        headers = self.ready.get(packed)
        if headers is None:
            headers = self.ready[packed] = self._headers(packed=packed)
        if status == 304:
            response.raw_headers = list(headers)
        else:
            response.raw_headers = [*headers, (b"content-length", str(len(body)).encode())]
            response.raw_headers.append((b"content-type", self.media_type.encode()))
            if packed:
                response.raw_headers.append((b"content-encoding", b"gzip"))
        return response

    def _headers(self, *, packed: bool) -> list[tuple[bytes, bytes]]:
        tag = f'{self.etag[:-1]}-gzip"' if packed else self.etag
        pairs = {
            "etag": tag,
            "cache-control": "private, no-cache",
            "vary": "Authorization, Accept, Accept-Encoding",
            **{name.lower(): value for name, value in self.headers.items()},
        }
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()]


def matches(sent: str, etag: str) -> bool:
    """Return whether an If-None-Match names this answer, in either encoding; the weak comparison of RFC 9110."""
    if sent.strip() == "*":
        return True
    tags = {tag.strip().removeprefix("W/").replace('-gzip"', '"') for tag in sent.split(",")}
    return etag in tags


def takes_gzip(accepted: str | None) -> bool:
    """Return whether Accept-Encoding takes gzip."""
    for part in (accepted or "").lower().split(","):
        name, _, parameters = part.strip().partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


class Shelf:
    """The answers of just now, least recently used first, at most `most` bytes; two who want the same wait for one."""

    def __init__(self, most: int = MOST_KEPT_BYTES) -> None:
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[Kept]] = {}
        self._most = most
        self._size = 0

    def get(self, key: Hashable) -> Kept | None:
        """Return the kept answer, or None."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    async def get_or_make(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the kept answer, or make it once for all who ask meanwhile."""
        kept = self.get(key)
        if kept is not None:
            return kept
        making = self._making.get(key)
        if making is None:
            making = asyncio.ensure_future(self._make(key, make))
            self._making[key] = making
        return await asyncio.shield(making)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        try:
            kept = await make()
        finally:
            self._making.pop(key, None)
        self._put(key, kept)
        return kept

    def _put(self, key: Hashable, kept: Kept) -> None:
        if len(kept.body) > self._most // 4:
            return
        previous = self._kept.pop(key, None)
        self._size += len(kept.body) - (len(previous.body) if previous else 0)
        self._kept[key] = kept
        while self._size > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body)
