"""`python -m weaksup` is the `weaksup` command."""

from weaksup.cli import main

if __name__ == "__main__":
    main()
