"""`python -m mtlser`: the command line, for launchers such as torchrun."""

from mtlser.cli import main

main()
