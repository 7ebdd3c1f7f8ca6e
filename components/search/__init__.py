"""The `search` component."""
