"""The `baselines` component."""
