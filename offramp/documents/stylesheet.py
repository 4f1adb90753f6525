"""The stylesheet of every HTML document: pages, cards, and letters, light and dark, and print.

Every color is one of `LIGHT`, `DARK`, or `PRINT`. The tests measure the contrast of each pair.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Palette:
    """The colors of one theme."""

    paper: str  # the page
    surface: str  # rules, tables, and panels on it
    ink: str  # text
    soft: str  # labels and notes
    line: str  # edges
    link: str
    brand: str  # the header's ground
    on_brand: str  # text on it


LIGHT = Palette(
    paper="#f7f4ed",
    surface="#fffefb",
    ink="#1c2628",
    soft="#4c585a",
    line="#7d7869",
    link="#0b5a5f",
    brand="#0e4a47",
    on_brand="#ffffff",
)
DARK = Palette(
    paper="#10181a",
    surface="#182224",
    ink="#eaf0ee",
    soft="#adbab8",
    line="#7d9092",
    link="#86d3cb",
    brand="#0b3937",
    on_brand="#f2faf8",
)
PRINT = Palette(
    paper="#ffffff",
    surface="#ffffff",
    ink="#000000",
    soft="#333333",
    line="#555555",
    link="#000000",
    brand="#ffffff",
    on_brand="#000000",
)


def variables_of(palette: Palette) -> str:
    """Return the colors of a theme as custom properties."""
    return " ".join(
        f"--{name.replace('_', '-')}: {color};" for name, color in asdict(palette).items()
    )


STYLESHEET = f"""
:root {{ color-scheme: light dark; {variables_of(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables_of(DARK)} }} }}
*, *::before, *::after {{ box-sizing: border-box; }}
html {{ -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }}
body {{
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.5 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}}
header {{ background: var(--brand); color: var(--on-brand); padding: 1.25rem 0; }}
header > *, nav, main, footer {{ max-width: 50rem; margin: 0 auto; padding: 0 1.125rem; }}
h1, h2, h3, h4 {{ line-height: 1.25; text-wrap: balance; overflow-wrap: break-word; }}
h1 {{ font-size: clamp(1.5rem, 1.25rem + 1.4vw, 2.1rem); letter-spacing: -.015em; }}
h2 {{ font-size: 1.375rem; margin: 2.75rem 0 .5rem; padding-top: 1rem;
  border-top: 2px solid var(--line); }}
main > h2:first-child {{ border-top: 0; margin-top: 1rem; padding-top: 0; }}
h3 {{ font-size: 1.125rem; margin: 1.75rem 0 .5rem; }}
h4 {{ font-size: 1rem; margin: 1.25rem 0 .25rem; }}
p {{ margin: .5rem 0; overflow-wrap: break-word; }}
ul, ol {{ margin: .4rem 0 .75rem; padding-left: 1.3rem; }}
li {{ margin: .2rem 0; overflow-wrap: break-word; }}
a {{ color: var(--link); text-underline-offset: .15em; overflow-wrap: anywhere; }}
a:focus-visible, [tabindex]:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; }}
main:focus {{ outline: 0; }}
code {{ font: .875em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace;
  color: var(--soft); overflow-wrap: anywhere; }}
.skip {{ position: absolute; left: -100vw; }}
.skip:focus {{ position: static; display: block; padding: .75rem 1.125rem; }}
.label {{ font-weight: 700; }}
.rule {{ background: var(--surface); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .9rem; margin: .6rem 0; }}
.rule > p {{ margin: 0; font-weight: 600; }}
.rule > p code {{ font-weight: 400; }}
.rule > ul {{ margin-bottom: 0; }}
.notes {{ color: var(--soft); font-size: .9rem; }}
nav ul {{ columns: 4 9.5rem; list-style: none; padding: 0; margin: 1rem 0 1.5rem; }}
nav li {{ margin: 0; padding: .2rem 0; break-inside: avoid; }}
.wide {{ overflow-x: auto; margin: .75rem 0 1rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: .5rem; padding: 0 .9rem; }}
table {{ border-collapse: collapse; width: 100%; font-size: .95rem; }}
caption {{ text-align: left; font-weight: 700; padding: .75rem 0 .25rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem .9rem .5rem 0;
  border-top: 1px solid var(--line); overflow-wrap: break-word; }}
thead th {{ border-top: 0; color: var(--soft); font-size: .875rem; vertical-align: bottom; }}
tbody th {{ font-weight: 600; }}
td ul {{ margin: 0; padding-left: 1.1rem; }}
footer {{ color: var(--soft); font-size: .9rem; margin-top: 3rem; padding-bottom: 2rem; }}
@media screen and (max-width: 43rem) {{
  thead {{ position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }}
  table, caption, tbody, tr, th, td {{ display: block; }}
  th, td {{ border: 0; padding: .1rem 0; }}
  tr {{ border-top: 1px solid var(--line); padding: .6rem 0; }}
  tbody tr:first-child {{ border-top: 0; }}
  td[data-head]::before {{ content: attr(data-head) ": "; color: var(--soft); }}
}}
.card header > *, .card main, .card footer {{ max-width: 36rem; }}
.card header {{ padding: .75rem 0; }}
.card h1 {{ font-size: 1.375rem; margin: 0; }}
.card h2 {{ font-size: 1.125rem; margin: 1.25rem 0 .25rem; padding-top: .75rem; }}
.card footer {{ margin-top: 1.25rem; }}
.letter header {{ background: none; color: inherit; padding-bottom: 0; }}
.letter header > *, .letter main, .letter footer {{ max-width: 40rem; }}
.letter h1 {{ font-size: 1.5rem; margin-bottom: 0; }}
.letter h2 {{ border: 0; font-size: 1.2rem; margin: 1.5rem 0 .25rem; padding: 0; }}
.letter p, .letter li {{ font-size: 1.125rem; }}
@page {{ size: letter; margin: 16mm 15mm; }}
@page card {{ margin: 10mm; }}
@media print {{
  :root {{ color-scheme: light; {variables_of(PRINT)} }}
  body {{ font-size: 10pt; line-height: 1.35; }}
  header, header > *, main, footer {{ max-width: none !important; padding: 0 !important; }}
  nav, .skip {{ display: none; }}
  h2, h3, h4, caption {{ break-after: avoid; }}
  tr, li, .rule {{ break-inside: avoid; }}
  .wide {{ overflow: visible; }}
  a {{ text-decoration: none; }}
  .letter p, .letter li {{ font-size: 12pt; }}
  .card {{ page: card; font-size: 8pt; line-height: 1.2; }}
  .card main {{ columns: 2; column-gap: 12mm; column-rule: 1px dashed var(--line); }}
  .card h1 {{ font-size: 13pt; margin-bottom: 2mm; }}
  .card h2 {{ font-size: 10pt; margin: 2.5mm 0 1mm; padding-top: 1mm; border-top-width: 1px; }}
  .card p {{ margin: .7mm 0; }}
  .card ul {{ margin: .3mm 0 1mm; padding-left: 4mm; }}
  .card li {{ margin: 0; }}
  .card footer {{ font-size: 7.5pt; margin-top: 2mm; }}
}}
"""
