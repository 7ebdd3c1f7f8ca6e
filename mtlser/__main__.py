"""`python -m mtlser`: the command line, for launchers such as torchrun."""

from mtlser.cli.app import main

main()
