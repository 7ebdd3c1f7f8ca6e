"""The `fold_split` component."""
