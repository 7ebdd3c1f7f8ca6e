"""The `report` component."""
