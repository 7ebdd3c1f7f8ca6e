"""The `search_worker` component."""
