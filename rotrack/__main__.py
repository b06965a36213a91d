"""`python -m rotrack` is the same as `rotrack`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it loads is one word, too."""
    try:
        from rotrack.cli import main as command_line
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
