"""`python -m relinkage` is the command line."""

from relinkage.cli import main

main()
