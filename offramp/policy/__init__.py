"""Commands for authors of packs and for deciding cases: decide, interview, check, test, new."""
