"""`python -m plimsoll` is the command line."""

from plimsoll.cli.app import main

main()
