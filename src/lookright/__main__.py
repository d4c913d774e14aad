"""`python -m lookright` is the same as `lookright`."""

from lookright.cli import main

if __name__ == "__main__":
    main()
