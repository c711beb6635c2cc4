"""`python -m fer_edge`: the command line without the console script."""

from __future__ import annotations

from fer_edge.cli import main

if __name__ == "__main__":
    main()
