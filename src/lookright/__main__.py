"""`python -m lookright` is the same as `lookright`."""

from lookright.cli import main

main()
