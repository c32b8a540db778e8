"""Keeping the garbage collector away from work that makes many objects without cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 100_000
"""New objects after which the garbage collector looks for what holds itself."""


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector away while many dictionaries are made that live on or go at once."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let the garbage collector look seldom, and not at what was there before: rows come and go without cycles."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
