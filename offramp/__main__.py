"""`python -m offramp` is the `offramp` command."""

from offramp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
