"""The served model, and what strangers send it."""
