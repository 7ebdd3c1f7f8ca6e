"""What needs a Docker Engine, an image or a minute's fault: `make test-platform`."""
