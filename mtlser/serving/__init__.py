"""Models out of training: loaded from anywhere, registered, asked."""
