"""`offramp agency oidc`: let people sign in at the console with the agency's own sign-in."""

from __future__ import annotations

import argparse

from offramp.agency import operations
from offramp.agency.commands.command import AgencyCommand, Output, actor_of
from offramp.agency.folder.office import Office
from offramp.user_files import read_named
from rules.errors import RequestError

_LONGEST_SECRET = 4096  # bytes


def _oidc(office: Office, options: argparse.Namespace) -> Output:
    actor = actor_of(office)
    if options.off:
        operations.drop_provider(office)
        return Output({"issuer": None}, ["the agency's own sign-in is off, and its ids are gone"])
    if options.person is not None:
        if options.id is None and not options.no_id:
            raise RequestError("usage", "`--person` needs `--id` or `--no-id`", fix="add one")
        operations.set_subject(office, actor, options.person, options.id)
    elif options.issuer is not None or options.client is not None:
        if options.issuer is None or options.client is None:
            raise RequestError(
                "usage", "`--issuer` and `--client` belong together", fix="give both"
            )
        operations.set_provider(
            office,
            options.issuer,
            options.client,
            secret=_secret(options.secret_file),
            amr=options.amr or (),
            acr=options.acr or (),
        )
    state = operations.describe_provider(office)
    if state is None:
        return Output({"issuer": None}, ["the agency's own sign-in isn't set up"])
    return Output(state.as_json(), _lines(state))


def _secret(file: str | None) -> str | None:
    """Return the client's secret from a file. Raises `RequestError` `no-file`."""
    if file is None:
        return None
    try:
        return read_named(file, _LONGEST_SECRET).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "no-file", f"`{file}` can't be read", fix="name the file with the client's secret"
        ) from None


def _lines(state: operations.ProviderState) -> list[str]:
    needed = [f"`amr` {value}" for value in state.amr] + [f"`acr` {value}" for value in state.acr]
    lines = [
        f"people sign in at {state.issuer}",
        f"this console is its client `{state.client}`, "
        f"{'with a secret' if state.has_secret else 'without a secret'}",
        f"a sign-in counts with {' or '.join(needed)}",
    ]
    people = [f"  {name}: {subject}" for name, subject in state.subjects.items()]
    return [*lines, *(people or ["nobody has an id there yet: `--person NAME --id ID`"])]


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--issuer", metavar="URL", help="the provider's address, with https://")
    parser.add_argument("--client", metavar="ID", help="the id of this console at the provider")
    parser.add_argument("--secret-file", metavar="FILE", help="a file with the client's secret")
    parser.add_argument(
        "--amr",
        metavar="METHOD",
        action="append",
        help="a method that proves two factors, `mfa` by default (repeatable)",
    )
    parser.add_argument(
        "--acr",
        metavar="CLASS",
        action="append",
        help="a class of sign-ins that have two factors (repeatable)",
    )
    parser.add_argument("--person", metavar="NAME", help="the listed person to give an id")
    parser.add_argument("--id", metavar="ID", help="the person's `sub` at the provider")
    parser.add_argument("--no-id", action="store_true", help="remove the person's id")
    parser.add_argument("--off", action="store_true", help="end it, and forget the ids")


COMMANDS = (
    AgencyCommand(
        "oidc",
        "let people sign in at the console with the agency's own sign-in (OpenID Connect)",
        run=_oidc,
        options=_options,
    ),
)
