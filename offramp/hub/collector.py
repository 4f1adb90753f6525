"""How a hub's process collects garbage."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # before a collection; Python's own number is 700


def collect_seldom() -> None:
    """Leave what is in memory now out of collections, and make them seldom.

    The records of a batch make many objects and few cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
