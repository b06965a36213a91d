"""`python -m rotrack` is the same as `rotrack`."""

from rotrack.cli import main

if __name__ == "__main__":
    main()
