"""Tables of recordings that people bring: rows of CSV, TSV, JSON Lines and Parquet, by column.

| module | what |
|---|---|
| `rows` | the rows of a file with their line numbers, and the lines that are no rows |
| `columns` | which column holds what: the usual names in several languages, or the recipe's |
| `values` | genders, partitions, languages, seconds and votes as people write them |
"""
