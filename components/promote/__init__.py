"""The `promote` component."""
