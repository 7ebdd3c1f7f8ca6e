"""Reports from scores: the HTML page, figures, tables for terminal, Markdown and LaTeX."""
