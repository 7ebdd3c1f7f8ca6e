"""The `prepare` component."""
