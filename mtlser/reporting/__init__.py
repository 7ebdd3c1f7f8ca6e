"""From scores to what people read: one HTML page and a table for the terminal."""
