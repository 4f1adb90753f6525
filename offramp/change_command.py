"""The command `change`: print the memo of a rule change, or write it as a page."""

from __future__ import annotations

import argparse
import gc
import sys

from offramp.clock import day_of_asking
from offramp.output_file import check_output, write_output
from offramp.policy import operations
from offramp.policy.cohort.report import NOTHING, CohortRequest, CohortSource
from offramp.policy.input_files import read_facts
from offramp.terminal import print_json, print_text
from rules.errors import RequestError
from rules.input.printing import plain


def change(options: argparse.Namespace) -> int:
    """Print the memo. Exit code 1 for a finding, 3 if something is open."""
    if options.html is not None:
        check_output(options.html, force=options.force)
    memo = operations.change_memo(
        options.old,
        options.new,
        today=day_of_asking(options.today),
        decisions=tuple(dict.fromkeys(options.decision or ())),
        seconds=options.limit,
        strict=options.strict,
        cohort=_cohort(options),
    )
    if options.html is not None:
        from offramp.documents.memo_page import memo_page

        write_output(options.html, memo_page(plain(memo.value)).encode(), force=options.force)
    if options.json:
        print_json(plain(memo.value), indent=2)
    else:
        from offramp.policy.change_text import memo_lines

        print_text("\n".join(memo_lines(plain(memo.value), memo.cohort)))
    return memo.exit_code


def _cohort(options: argparse.Namespace) -> CohortRequest | None:
    """Return the file to count, None without `--cohort`. Raises `RequestError`."""
    if options.cohort is None:
        for name in ("map", "by", "where", "assume"):
            if getattr(options, name) is not None:
                raise RequestError(
                    "usage", f"`--{name}` is for counted rows", fix="add `--cohort FILE`"
                )
        return None
    if options.map is None:
        raise RequestError("usage", "`--cohort` counts the rows of a table", fix="add `--map MAP`")
    gc.enable()  # a case and its decisions refer to each other, and there may be many cases
    assume = options.assume
    return CohortRequest(
        CohortSource(
            options.cohort,
            options.map,
            tuple(dict.fromkeys(options.by or ())),
            tuple(options.where or ()),
            options.allow_left_out,
            options.strict,
            options.min_cell,
            options.limit,
        ),
        assume if assume in (None, NOTHING) else read_facts(assume),
        None if assume in (None, NOTHING) else assume,
        sys.stderr,
    )
