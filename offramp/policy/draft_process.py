"""Check a draft in a process of its own, since only one thread of a process may ask the solver.

Run as a program, this module is that process: what to check on standard input, the
result on standard output, both from and to the process that started it.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from offramp.policy.drafts import DraftCheck, check_draft
from rules.frozen import replace

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortRequest


def check_apart(
    packs: Mapping[str, str | Path],
    folder: Path,
    today: date,
    cohort: CohortRequest | None = None,
) -> DraftCheck:
    """Check a draft as `check_draft` does."""
    quiet = None if cohort is None else replace(cohort, progress=None)
    done = subprocess.run(
        (sys.executable, "-m", "offramp.policy.draft_process"),
        input=pickle.dumps((dict(packs), folder, today, quiet)),
        stdout=subprocess.PIPE,
        check=True,
    )
    check: DraftCheck = pickle.loads(done.stdout)
    return check


def main() -> int:
    """Answer on standard output what is asked on standard input."""
    packs, folder, today, cohort = pickle.load(sys.stdin.buffer)
    sys.stdout.buffer.write(pickle.dumps(check_draft(packs, folder, today, cohort)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
