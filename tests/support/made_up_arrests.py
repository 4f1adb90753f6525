"""A made-up file of arrests, with its map, for memos and drafts."""

from __future__ import annotations

LONG = "native hawaiian or another pacific islander"
MAP = """\
title: arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges: {items: [{conduct: {value: possession}, violent: {value: false}}]}
  encounter.drugs:
    items: [{kind: {value: opioid}, grams: {column: grams}, form: {value: weighed}}]
"""


def rows(number: int, start: int, grams: str, group: str, age: str = "30") -> str:
    """Return rows of the made-up file."""
    return "".join(f"{start + place},2014-05-01,{age},{grams},{group}\n" for place in range(number))


# 540 surely change, and 160 more can: nobody weighed.
ARRESTS = "id,day,age,grams,race\n" + "".join(
    [
        rows(300, 1000, "4", "white"),
        rows(240, 2000, "5", "black"),
        rows(400, 3000, "2", "white"),
        rows(500, 4000, "9", "black"),
        rows(80, 5000, "", "white"),
        rows(80, 6000, "", "black"),
        rows(4, 7000, "4", LONG),
        rows(30, 8000, "2", LONG),
        rows(2, 9000, "2", "white", age="forty"),
    ]
)
