"""The final model in a registry: registered, weighed against the champion, moved, checked."""
