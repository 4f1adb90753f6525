"""What every command needs, loaded once before the first one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from exchange.errors import ExchangeError
from exchange.records.kinds import kinds
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.folder.keys import Keys, Stretch
from offramp.parsers import parser_of
from rules.shelf import shipped, vocabulary


def warm_up(keys: Path, unlocked: Stretch) -> None:
    """Load the program's tables, build the parser, and stretch the passphrase for the keys."""
    kinds()
    form_terms()
    vocabulary()
    shipped()
    parser_of("agency")
    folder = Keys(keys, unlocked)
    for kid in folder.ids()[:1]:
        with suppress(ExchangeError):
            folder.signing(kid)
