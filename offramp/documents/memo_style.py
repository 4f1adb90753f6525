"""The style of a memo's own parts: redlines, examples, and charts.

A memo is shown under two stylesheets: that of the documents, and that of the console. Both have the
colors `ink`, `surface`, and `link`. Of the others each has one of two names.
"""

from __future__ import annotations

MEMO_STYLE = """
/* ---------- a memo ---------- */
.memo-bind { font-family: "Iowan Old Style", "Palatino Linotype", Charter, Georgia, serif;
  font-size: 1.125rem; background: var(--surface); border: 1px solid var(--edge, var(--line));
  border-left: .3rem solid var(--link); border-radius: .25rem; padding: .6rem 1rem;
  margin: .6rem 0; }
.memo-bind p { margin: .2rem 0; }
.vh { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
.memo-change { border-left: .2rem solid var(--edge, var(--line)); padding: 0 0 0 .9rem;
  margin: .8rem 0; }
.memo-change p { margin: 0; }
.memo-list { columns: 2 22rem; column-gap: 2rem; }
.memo ins { color: inherit; background: none; font-weight: 700; text-decoration: underline 2px; }
.memo del { color: inherit; background: none; text-decoration: line-through; }
.memo-cases { padding-left: 1.4rem; }
.memo-cases > li { margin: .6rem 0; }
.memo-cases ul { list-style: disc; }
.memo-stop { border: 3px solid var(--ink); border-radius: .5rem; padding: .6rem 1rem;
  margin: .8rem 0; background: var(--surface); }
.memo .memo-stop h2 { border: 0; margin: 0; padding: 0; }
.memo-card { border: 1px solid var(--edge, var(--line)); border-radius: .5rem;
  background: var(--surface); padding: .6rem 1rem; margin: .8rem 0; max-width: 34rem; }
.memo-card p { margin: .2rem 0; }
.memo-card dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem 1rem; margin: .4rem 0; }
.memo-card dt { color: var(--soft, var(--ink2)); }
.memo-card dd { margin: 0; }
.memo-words { font-size: 1.25rem; font-weight: 700; }
.memo figure { margin: 1rem 0; }
.memo figcaption { font-weight: 700; margin-bottom: .5rem; }
.memo-chart { display: block; width: 100%; overflow: visible; }
.memo-chart text { fill: var(--ink); font-size: 13px; }
.memo-chart .on { fill: var(--surface); font-weight: 700; }
.memo-chart .num { font-weight: 700; paint-order: stroke; stroke: var(--surface);
  stroke-width: 4px; }
.memo-chart .mute { fill: var(--soft, var(--ink2)); }
.memo-chart .sure { fill: var(--link); }
.memo-chart .may { fill: url(#memo-hatch); stroke: var(--link); stroke-width: 1; }
.memo .hatch { stroke: var(--link); stroke-width: 2; }
.memo-chart .was { fill: none; stroke: var(--link); stroke-width: 1.5; }
.memo-chart .chance { stroke: var(--ink); stroke-width: 1.5; }
.memo-chart .grid { stroke: var(--edge, var(--line)); stroke-width: 1; opacity: .5; }
.memo-key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0;
  color: var(--soft, var(--ink2)); font-size: .9375rem; }
.memo-key svg { display: inline-block; width: 1.4rem; height: .9rem;
  vertical-align: -.1rem; margin-right: .35rem; }
@page { margin: 11mm 14mm; }
@media print {
  .memo-card, .memo-stop, .memo figure, .memo-cases > li, .memo-change { break-inside: avoid; }
  .memo h2 { font-size: 12pt; margin: 3mm 0 1mm; padding-top: 1.5mm; border-top-width: 1px; }
  .memo h3, .memo h4 { font-size: 10pt; margin: 2mm 0 .5mm; }
  .memo p, .memo li, .memo dd, .memo dt { font-size: 8.5pt; line-height: 1.2; margin-top: .3mm;
    margin-bottom: .3mm; }
  .memo-bind { padding: 1mm 3mm; margin: 1mm 0; }
  .memo-bind p { font-size: 10.5pt; }
  .memo-card, .memo-stop { padding: 1mm 3mm; margin: 1mm 0; max-width: none; }
  .memo-card dl { grid-template-columns: auto 1fr auto 1fr; margin: .5mm 0; }
  .memo-change { margin: 1mm 0; }
  .memo-list { columns: 2; }
  .memo ul, .memo ol { margin: .5mm 0 1mm; }
  .memo figure { margin: 2mm 0 1mm; max-width: 150mm; }
  .memo .wide { margin: 1mm 0 2mm; border: 0; padding: 0; }
  .memo table { font-size: 8pt; }
  .memo th, .memo td { padding: .2mm 2mm .2mm 0; }
  .memo-chart .sure, .memo-chart .may { print-color-adjust: exact; }
}
"""
