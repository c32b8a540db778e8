"""Answers kept as bytes: completed once for (question, position, day, access set) and handed out as they are."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from isal import isal_zlib
from starlette.requests import Request
from starlette.responses import Response

from api.visits import Making

MOST_KEPT_BYTES = 64 * 1024 * 1024
WORTH_COMPRESSING = 1_024
_LEVEL = 1
"""Of Intel's ISA-L: a board is compressed after every check-in, here in a fifth of zlib's time and to fewer bytes."""
_GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""The head of a gzip member without a name and a time (RFC 1952)."""


@dataclass(frozen=True, slots=True)
class Standpoint:
    """The basis that a kept answer says, and whose check-ins change the answer: with others it only moves on."""

    basis: Mapping[str, Any]
    rests_on: frozenset[str]

    def opening(self) -> bytes:
        """Return how the body begins."""
        return b'{"basis":' + orjson.dumps(self.basis)

    def moved(self, position: int) -> Standpoint:
        """Return the same at another position."""
        return Standpoint({**self.basis, "position": position}, self.rests_on)


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
    standpoint: Standpoint | None = None
    """Where it stands, when it can move on."""
    marks: tuple[str, str] = ("", "")
    """What its ETag comes from beside its bytes: release and rights."""
    digest: bytes = b""
    """That of what follows the basis."""
    packed: bytes | None = field(default=None, repr=False)
    """What follows the basis, compressed."""

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
        standpoint: Standpoint | None = None,
    ) -> Kept:
        """Return an answer whose ETag comes from its bytes (they name the basis), the release and the rights."""
        opening = b"" if standpoint is None else standpoint.opening()
        if not body.startswith(opening):
            opening, standpoint = b"", None
        digest = _digest(memoryview(body)[len(opening) :])
        etag = _etag(opening, digest, release, rights, media_type)
        return cls(
            bytes(memoryview(body)),  # a copy: what orjson returns holds on to room that it grew into
            dict(headers),
            media_type,
            etag,
            restricted=restricted,
            standpoint=standpoint,
            marks=(release, rights),
            digest=digest,
        )

    def moved(self, position: int) -> Kept:
        """Return the same answer at a later position, up to which nothing was recorded that changes it."""
        assert self.standpoint is not None  # noqa: S101 (only such an answer moves)
        opening, standpoint = self.standpoint.opening(), self.standpoint.moved(position)
        beginning = standpoint.opening()
        body = b"".join((beginning, memoryview(self.body)[len(opening) :]))
        found = Kept(
            body,
            {**self.headers, "Ledger-Position": str(position)},
            self.media_type,
            _etag(beginning, self.digest, *self.marks, self.media_type),
            restricted=self.restricted,
            standpoint=standpoint,
            marks=self.marks,
            digest=self.digest,
            packed=self.packed,
        )
        if self.packed is not None:
            found.pack()
        return found

    def pack(self) -> None:
        """Compress the answer: what follows the basis by itself, so that it is good at another basis as well."""
        if self.compressed is not None or len(self.body) <= WORTH_COMPRESSING:
            return
        opening = b"" if self.standpoint is None else self.standpoint.opening()
        if self.packed is None:
            self.packed = _deflated(memoryview(self.body)[len(opening) :], isal_zlib.Z_FINISH)
        size = len(self.body) & 0xFFFFFFFF
        self.compressed = b"".join(
            (
                _GZIP,
                _deflated(opening, isal_zlib.Z_FULL_FLUSH) if opening else b"",
                self.packed,
                isal_zlib.crc32(self.body).to_bytes(4, "little"),
                size.to_bytes(4, "little"),
            )
        )

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
        if packed:
            self.pack()
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


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.sha256(content).digest()


def _etag(opening: bytes, digest: bytes, release: str, rights: str, media_type: str) -> str:
    told = hashlib.blake2b(opening, digest_size=16, person=b"ledger-etag")
    told.update(digest)
    told.update(f"|{release}|{rights}|{media_type}".encode())
    return f'"{told.hexdigest()}"'


def _deflated(content: bytes | memoryview, end: int) -> bytes:
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(end)


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
        self._making: dict[Hashable, Making[Kept]] = {}
        self._most = most
        self._size = 0

    def get(self, key: Hashable) -> Kept | None:
        """Return the kept answer, or None."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept

    async def get_or_make(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        """Return the kept answer, or make it once for all who ask meanwhile."""
        while (kept := self.get(key)) is None:
            making = self._making.get(key)
            if making is None:
                making = self._making[key] = Making(partial(self._make, key, make))
                making.made.add_done_callback(lambda _: self._making.pop(key, None))
            await making.wait()
            if not making.made.cancelled():  # else it was given up before this one came
                return making.made.result()
        return kept

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Kept]]) -> Kept:
        kept = await make()
        self.put(key, kept)
        return kept

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer, unless it is too large."""
        if len(kept.body) > self._most // 4:
            return
        previous = self._kept.pop(key, None)
        self._size += len(kept.body) - (len(previous.body) if previous else 0)
        self._kept[key] = kept
        while self._size > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body)
