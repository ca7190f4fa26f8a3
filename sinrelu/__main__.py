"""``python -m sinrelu``."""

from sinrelu.cli import main

if __name__ == "__main__":
    main()
