#!/bin/sh
# Start a pack for a new city, change one amount, check it, and test it. Needs an empty folder.
set -eu

# The new pack extends Santa Fe's. It applies from its first day.
offramp new las-cruces --from santa-fe --starts 2027-01-01

# `check` looks for a case that breaks a guarantee of the parent. `test` runs the scenarios.
offramp check las-cruces
offramp test las-cruces

# The city raises the cap from 6 g to 8 g. A scenario that expects 6 g fails now: change it, or the amount.
sed -i.bak 's/value: 6$/value: 8/' las-cruces/pack.yaml
offramp check las-cruces
if offramp test las-cruces; then
    echo "all scenarios pass"
else
    echo "a scenario fails: the change has an effect"
fi

# The new rules as a document in plain English.
offramp show las-cruces | head -n 20
