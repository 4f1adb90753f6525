"""Give broken texts to every parser of outside bytes, for some seconds.

Run it as `python -m tests.stress.fuzz [--seconds 60] [--seed N]`. Each text is a valid one that is
cut, doubled, spliced, and overwritten at random. Base64url inside it is broken too, to reach nested
data. A parser must return a value or raise an `ExchangeError` soon. Anything else is printed with
its input and ends in exit code 1.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from random import Random

from exchange.errors import ExchangeError
from exchange.standards import base64
from rules.errors import Refusal
from tests.support.outside import MARKS, PARSERS
from tests.support.readers import READERS

SLOW = 1.0
ROUTES = PARSERS | READERS
_RUN = re.compile(rb"[A-Za-z0-9_-]{24,}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=int(time.time()))
    chosen = options.parse_args()
    random, done = Random(chosen.seed), dict.fromkeys(ROUTES, 0)
    print(f"fuzzing {len(ROUTES)} parsers for {chosen.seconds:.0f} s, seed {chosen.seed}")
    until = time.monotonic() + chosen.seconds
    while time.monotonic() < until:
        for name, (parse, right) in ROUTES.items():
            data = broken(right, random)
            began = time.process_time()
            try:
                parse(data)
            except Refusal:
                pass
            except Exception as error:
                print(f"{name}: {error!r} on {data.hex()}")
                return 1
            if time.process_time() - began > SLOW:
                print(f"{name}: over {SLOW} s on {data.hex()}")
                return 1
            done[name] += 1
    print(f"{sum(done.values()):,} texts, each a value or a refusal")
    return 0


def broken(right: bytes, random: Random) -> bytes:
    """Return the text with one to four faults, a third of them inside a run of base64url."""
    data = right
    for _ in range(random.randint(1, 4)):
        runs = list(_RUN.finditer(data))
        if runs and random.random() < 0.33:
            run = random.choice(runs)
            try:
                inside = base64.decode_url(run[0].decode())
            except ExchangeError:
                continue
            data = (
                data[: run.start()]
                + base64.encode_url(once(inside, random)).encode()
                + data[run.end() :]
            )
        else:
            data = once(data, random)
    return data


def once(data: bytes, random: Random) -> bytes:
    start = random.randint(0, len(data))
    end = min(len(data), start + random.choice((0, 1, 1, 4, 40)))
    piece = random.choice(
        (
            b"",
            random.randbytes(random.randint(1, 8)),
            random.choice(MARKS),
            data[start:end] * 2,
            b"null",
            b"-1",
        )
    )
    return data[:start] + piece + data[end:]


if __name__ == "__main__":
    sys.exit(main())
