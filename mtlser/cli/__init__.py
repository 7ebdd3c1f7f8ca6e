"""The `mtlser` command: one file of commands for each kind, flags, and what is printed."""
