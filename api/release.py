"""Which release this is: part of every ETag, because the same basis may be shown differently by another one."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _release() -> str:
    try:
        return version("strategy-ledger")
    except PackageNotFoundError:
        return "0"


RELEASE = _release()
