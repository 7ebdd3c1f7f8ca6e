"""The `mtlser` command: its subcommands, flags, and what is printed."""
