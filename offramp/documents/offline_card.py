"""`offramp card --offline`: the offer as one HTML file to tap through, without script or network.

Each screen is a section of the page, and a link leads to the next one. The browser's own Back takes
an answer back. Printed, the sections are numbered and the links name their numbers. Every answer is
what `decide` says on the facts that the path to it states.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from offramp.documents.card_words import age_of_rules
from offramp.documents.document import Text
from offramp.documents.offline_pages import TURNS, AnswerScreen, QuestionScreen, Row, Screens
from offramp.documents.segments import day_notice, segment_of
from offramp.documents.stylesheet import DARK, LIGHT, PRINT, variables_of
from offramp.documents.web_page import escape_html, inline_html
from offramp.phone_numbers import call_address
from rules.author.answer_tree import AnswerTree, Branch, Leaf, answer_tree
from rules.decide.program import Program
from rules.errors import RequestError
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.packs.resolve import Segment

OFFER = "offer"
MOST_BYTES = 200 * 1024
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


_POLICY_LINE = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'


@frozen
class OfflineCard:
    """The page, the number of its screens, and the most answers to tap on one path."""

    html: str
    screens: int
    most_taps: int

    def html_with_script(self, address: str) -> str:
        """Return the page of a server: with a script, and without a policy of its own.

        The server's policy is in a header.
        """
        return self.html.replace(_POLICY_LINE, f'<script src="{address}" defer></script>\n', 1)


def offline_card(pack: Pack, as_of: str | None, today: date | None = None) -> OfflineCard:
    """Return the offer of a pack as one page. Its rules are those of a day, or of today.

    Raises `RequestError` `no-card` for a program in which no officer makes an offer, and
    `card-too-large` if the page would be larger than a phone should hold.
    """
    segment = segment_of(pack, as_of, today)
    if OFFER not in segment.decisions:
        raise RequestError(
            "no-card",
            f"`{pack.id}` has no decision `{OFFER}`",
            fix="print the pack with `offramp show`",
        )
    return card_of_tree(answer_tree(Program(pack), OFFER, segment.day), segment, today)


def card_of_tree(tree: AnswerTree, segment: Segment, today: date | None = None) -> OfflineCard:
    """Return the page of a tree, with the age of the rules on a day. Raises `RequestError`."""
    pack, program, screens = segment.pack, tree.program, Screens(tree, segment)
    made = screens.all_screens()
    numbers = {identity: number for number, identity in enumerate(made, 1)}
    phone = pack.words.phone.number if pack.words.phone is not None else None
    page = _Page(numbers, phone)
    sections = [page.section(numbers[identity], screen) for identity, (_, screen) in made.items()]
    title = f"{pack.title}: may I offer it?"
    foot = [*age_of_rules(segment, today), Text(program.digest, "Digest of the rules:")]
    html = _document(title, sections, foot, day_notice(segment, today))
    if len(html.encode()) > MOST_BYTES:
        raise RequestError(
            "card-too-large",
            f"the card of `{pack.id}` would be larger than {MOST_BYTES // 1024} KB",
            fix="print the card without `--offline`",
        )
    return OfflineCard(html, len(made), _most_taps(screens))


def _most_taps(screens: Screens) -> int:
    """Return the most answers on a path on which everything is known."""
    longest: dict[int, int] = {}

    def taps(node: Leaf | Branch) -> int:
        if isinstance(node, Leaf):
            return 0
        if id(node) not in longest:
            screen = screens.screen(node)
            assert isinstance(screen, QuestionScreen)
            rows = [row for row in screen.rows if row.is_known]
            longest[id(node)] = 1 + max(taps(row.then) for row in rows or screen.rows)
        return longest[id(node)]

    return taps(screens.tree.root)


class _Page:
    """Writes sections. `numbers` has the number of each node's section."""

    def __init__(self, numbers: dict[int, int], phone: str | None) -> None:
        self.numbers, self.phone = numbers, phone

    def section(self, number: int, screen: QuestionScreen | AnswerScreen) -> str:
        """Return one screen as a section."""
        lines = (
            self._question(screen) if isinstance(screen, QuestionScreen) else self._answer(screen)
        )
        kind = screen.kind if isinstance(screen, AnswerScreen) else "ask"
        again = '<p class="again"><a href="#s1">Start again</a></p>' if number > 1 else ""
        return (
            f'<section id="s{number}" class="{kind}" tabindex="-1" aria-labelledby="h{number}">\n'
            f'<h2 id="h{number}"><i>{number}. </i>'
            f"{inline_html(screen.title)}</h2>\n"
            f"{''.join(lines)}{again}</section>"
        )

    def _question(self, screen: QuestionScreen) -> Iterator[str]:
        if screen.help:
            yield f"<p>{inline_html(screen.help)}</p>\n"
        yield f'<ul class="rows">{"".join(map(self._row, screen.rows))}</ul>\n'
        if screen.unsure:
            yield "<details><summary>I can’t tell one of these</summary>\n"
            yield "<p>Tap the one that you can’t tell. Those before it are not true.</p>\n"
            yield f'<ul class="rows">{"".join(map(self._row, screen.unsure))}</ul></details>\n'
        for note in screen.notes:
            yield f'<p class="note">{inline_html(note)}</p>\n'

    def _row(self, row: Row) -> str:
        number = self.numbers[id(row.then)]
        return f'<li><a href="#s{number}">{inline_html(row.label)}<i> (go to {number})</i></a></li>'

    def _answer(self, screen: AnswerScreen) -> Iterator[str]:
        if screen.find_out:
            items = "".join(f"<li>{inline_html(missing)}</li>" for missing in screen.find_out)
            yield f"<ul>{items}</ul>\n"
        for text in screen.texts:
            yield f'<p class="do">{inline_html(text)}</p>\n'
        if screen.kind == "go" and self.phone:
            address = call_address(self.phone)
            yield (
                f'<p><b>Case manager on call:</b> <a href="{escape_html(address)}">'
                f"{escape_html(self.phone)}</a></p>\n"
            )
        if screen.says is not None:
            english, spanish = map(escape_html, screen.says)
            yield f"<p><b>Say:</b> <q>{english}</q></p>\n"
            yield f'<p><b>In Spanish:</b> <q lang="es">{spanish}</q></p>\n'
        for text, source in screen.because:
            yield f'<p class="why">{inline_html(text)}</p>\n'
            yield f'<p class="note">Source: {inline_html(source)}</p>\n'
        if screen.could_turn:
            items = "".join(f"<li>{inline_html(text)}</li>" for text in screen.could_turn)
            yield f"<p><b>{TURNS}</b></p>\n<ul>{items}</ul>\n"


def _document(title: str, sections: list[str], foot: list[Text], notice: str) -> str:
    """Return the page. The first section comes last, so that it shows until another is chosen.

    A notice about the day of the rules is above each screen.
    """
    start, *others = sections
    notes = "".join(f"<p>{inline_html(f'{text.label} {text.text}'.strip())}</p>\n" for text in foot)
    body = "\n".join([*others, start])
    above = f"<p>{inline_html(notice)}</p>" if notice else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{_POLICY_LINE}"
        f"<title>{escape_html(title)}</title>\n<style>{STYLESHEET}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape_html(title)}</h1>{above}</header>\n<main>\n{body}\n</main>\n"
        f"<footer>\n{notes}<p>Go back in the browser to change an answer. Nothing that you tap "
        "is kept or sent. Not legal advice.</p>\n</footer>\n</body>\n</html>\n"
    )


_SIGNAL = {
    "light": "--go: #17623c; --wait: #7d4f00; --stop: #96281b;",
    "dark": "--go: #8fdcae; --wait: #f2c777; --stop: #f7a99d;",
}
STYLESHEET = f"""
:root {{ color-scheme: light dark; {variables_of(LIGHT)} {_SIGNAL["light"]} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables_of(DARK)} {_SIGNAL["dark"]} }} }}
*, *::before, *::after {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 1.125rem/1.5 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
header {{ background: var(--brand); color: var(--on-brand); padding: .75rem 0; }}
header > *, main, footer {{ max-width: 38rem; margin: 0 auto; padding: 0 1rem; }}
h1 {{ font-size: 1.1875rem; line-height: 1.25; }}
h2 {{ font-size: 1.5rem; line-height: 1.2; margin: 1.25rem 0 .5rem; text-wrap: balance; }}
p {{ margin: .5rem 0; }}
a {{ color: var(--link); }}
:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; }}
section:focus {{ outline: 0; }}
section, h2 i, .rows i {{ display: none; }}
section:target, #s1 {{ display: block; }}
section:target ~ #s1 {{ display: none; }}
.rows {{ list-style: none; padding: 0; margin: 1rem 0; }}
.rows li {{ margin: .5rem 0; }}
.rows a {{ display: flex; align-items: center; min-height: 3.25rem; padding: .6rem .9rem;
  background: var(--surface); border: 2px solid var(--line); border-radius: .75rem;
  color: var(--ink); text-decoration: none; font-weight: 550; }}
.rows a:hover {{ border-color: var(--link); }}
summary {{ min-height: 2.75rem; padding: .5rem 0; color: var(--link); font-weight: 600;
  cursor: pointer; }}
.go h2, .stop h2, .wait h2 {{ border-left: .5rem solid; padding-left: .75rem; font-size: 1.75rem; }}
.go h2 {{ color: var(--go); }} .stop h2 {{ color: var(--stop); }} .wait h2 {{ color: var(--wait); }}
.do {{ font-size: 1.1875rem; }}
.why {{ font-family: Charter, Georgia, serif; margin-top: 1.25rem; padding-top: .75rem;
  border-top: 1px solid var(--line); }}
.note, .again, footer {{ color: var(--soft); font-size: .9375rem; }}
.again a {{ display: inline-block; padding: .65rem 0; }}
footer {{ margin-top: 2rem; padding-bottom: 2rem; overflow-wrap: anywhere; }}
@media (forced-colors: active) {{ .rows a {{ border-color: LinkText; }} }}
@page {{ size: letter; margin: 12mm; }}
@media print {{
  :root {{ color-scheme: light; {variables_of(PRINT)} --go: #000; --wait: #000; --stop: #000; }}
  body {{ font-size: 8.5pt; line-height: 1.25; }}
  header > *, main, footer {{ max-width: none; padding: 0; }}
  main {{ columns: 2; column-gap: 8mm; display: flow-root; }}
  section, section:target ~ #s1 {{ display: block; break-inside: avoid; }}
  h2 i, .rows i {{ display: inline; font-style: normal; }} .again, summary {{ display: none; }}
  details::details-content {{ content-visibility: visible; height: auto; }}
  h2, .go h2, .stop h2, .wait h2 {{ font-size: 10pt; margin: 2mm 0 1mm; }}
  .rows {{ margin: .5mm 0; }} .rows li {{ margin: 0; }}
  .rows a {{ display: inline; border: 0; padding: 0; font-weight: 400; }}
  p, ul {{ margin: .5mm 0; }} .do, .why {{ font-size: 8.5pt; }}
}}
"""
