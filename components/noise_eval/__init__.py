"""The `noise_eval` component."""
