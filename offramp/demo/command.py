"""`offramp demo`: run the story, print it, and check what must hold at its end."""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from offramp.demo.checks import categories_held, check_story
from offramp.demo.consoles import console_lines, keep_running, open_consoles
from offramp.demo.story import START, Step, Story
from offramp.demo.timeline import StoryLines
from offramp.demo.town import Town, town
from offramp.terminal import print_json, print_text
from rules.errors import RequestError


def demo(options: argparse.Namespace) -> int:
    """Run `offramp demo`. Exit code 0 if every check holds, else 1.

    Raises `RequestError` `no-hub`, `no-console`, `demo-stuck`, `file-taken`.
    """
    try:
        import fastapi  # noqa: F401  # only to see that it is installed
        import uvicorn  # noqa: F401  # only to see that it is installed
    except ImportError:
        raise RequestError(
            "no-hub",
            "the demo runs a hub, and what that needs isn't here",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[hub]'",
        ) from None
    gc.enable()  # it lives longer than other commands
    if options.console and options.json:
        raise RequestError(
            "usage", "`--console` prints links, and no JSON", fix="leave one of the two out"
        )
    if options.console:
        _check_console()
    if options.canary is not None and not (
        options.canary.isalnum() and options.canary.isascii() and 4 <= len(options.canary) <= 12
    ):
        raise RequestError(
            "usage", "`--canary` is 4 to 12 letters and digits", fix="give another word"
        )
    folder = Path(options.dir) if options.dir else Path(tempfile.mkdtemp(prefix="offramp-demo-"))
    keep = options.keep or options.dir is not None
    try:
        printer = None if options.json else StoryPrinter()
        result = run_story(
            folder, options.canary, printer, after=_serve if options.console else None
        )
        if options.console:
            return 0
        if options.json:
            print_json(result)
        else:
            print_text()
            print_text(
                f"All folders are in {folder}."
                if keep
                else "Run it with `--dir DIR` to look at the folders afterwards."
            )
            print_text("`offramp demo --console` leaves the town running, with pages in a browser.")
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(check["holds"] for check in result["checks"]) else 1


def _check_console() -> None:
    """Check that what the consoles need is installed. Raises `RequestError` `no-console`."""
    try:
        import argon2  # noqa: F401  # only to see that it is installed
        import babel  # noqa: F401  # only to see that it is installed
        import jinja2  # noqa: F401  # only to see that it is installed
        import pyotp  # noqa: F401  # only to see that it is installed
        import webauthn  # noqa: F401  # only to see that it is installed
    except ImportError:
        raise RequestError(
            "no-console",
            "the packages that serve pages aren't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None


class StoryPrinter:
    """Prints the story while it runs, each line at once, also where the output is a file."""

    def begin(self) -> None:
        """Print what starts now, before there is a town."""
        self._print(("The hub and the agencies start. The story takes a minute or two.", ""))

    def begin_story(self, zone: str) -> None:
        """Print the lines before the first step."""
        self._lines = StoryLines(zone)
        self._print(self._lines.opening())

    def step(self, step: Step) -> None:
        """Print a step that is done."""
        self._print(self._lines.step(step.as_json()))

    def close(self, result: Mapping[str, Any]) -> None:
        """Print the lines after the last step."""
        self._print(self._lines.closing(result))

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            print_text(line, flush=True)


def _serve(place: Town) -> None:
    """Print the links of the consoles, and leave the town running."""
    print_text("\nA console starts for each agency.", flush=True)
    for line in console_lines(open_consoles(place), place.folder):
        print_text(line, flush=True)
    keep_running(place)


def run_story(
    folder: Path,
    canary: str | None = None,
    printer: StoryPrinter | None = None,
    *,
    after: Callable[[Town], None] | None = None,
) -> dict[str, Any]:
    """Run the story, write it to `DIR/story.json`, and return it.

    `printer` prints it meanwhile, and `after` is called with the running town at the end.

    Raises as `town` and `Story.tell`.
    """
    if printer is not None:
        printer.begin()
    with town(folder, START, canary) as place:
        processes = place.alive()
        office = place.agencies["program"].office
        zone = office.working_set().gateway.history.newest.zone.key
        if printer is not None:
            printer.begin_story(zone)
        story = Story(place, None if printer is None else printer.step)
        story.tell()
        place.alive()
        place.witnessed()
        result = {
            "pack": office.program(office.working_set()).pack.id,
            "zone": zone,
            "processes": sorted(processes),
            "cases": {person: case for person, case in story.cases.items() if ":" not in person},
            "steps": [step.as_json() for step in story.steps],
            "held": {name: categories_held(agency) for name, agency in place.agencies.items()},
            "checks": list(check_story(place, story)),
        }
        (folder / "story.json").write_text(
            json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        if printer is not None:
            printer.close(result)
        if after is not None:
            after(place)
    return result
