"""Measure a quarter's report over many cases: the first, which counts, and the next one.

Run it as `python bench/report.py 5000`. Each case has a referral, consents, intake, and status,
as in `bench/meeting.py`. The figures are seconds of processor time at the case managers.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from meeting import build

from exchange.hub import quota
from offramp.agency import operations


def main(sizes: list[int]) -> None:
    quota.MOST_OF_AGENCY = 10**9
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            town = build(Path(scratch), size, at_once=1000)
            day = datetime.fromtimestamp(town.hub.clock, UTC)
            quarter = f"{day.year}Q{(day.month + 2) // 3}"
            town.hub.clock += 92 * 86400
            with closing(town.office("crossroads")) as office:
                office.working_set()
                took = []
                for _ in range(2):
                    began = time.process_time()
                    operations.report_quarter(office, None, quarter)
                    took.append(time.process_time() - began)
            print(f"{size} cases: first {took[0]:.2f} s, again {took[1]:.3f} s", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [250, 1000])
