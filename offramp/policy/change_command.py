"""The command `change`: print the memo of a rule change."""

from __future__ import annotations

import argparse

from offramp.clock import day_of_asking
from offramp.policy import operations
from offramp.terminal import print_json, print_text
from rules.input.printing import plain


def change(options: argparse.Namespace) -> int:
    """Print the memo. Exit code 1 for a finding, 3 if something is open."""
    memo = operations.change_memo(
        options.old,
        options.new,
        today=day_of_asking(options.today),
        decisions=tuple(dict.fromkeys(options.decision or ())),
        seconds=options.limit,
        strict=options.strict,
    )
    if options.json:
        print_json(plain(memo.value), indent=2)
    else:
        from offramp.policy.change_text import memo_lines  # it needs the solver

        print_text("\n".join(memo_lines(memo)))
    return memo.exit_code
