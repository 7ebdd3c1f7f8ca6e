"""The `report_outcome` component."""
