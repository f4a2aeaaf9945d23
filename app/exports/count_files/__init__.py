"""Count files: everything that public counts read, as Parquet files that anyone can take home and count from.

`tables` says what is in them, `parts` how a log is cut into files that never change, `rows` takes the rows from the
columns, `write` makes a folder of them, and `load` counts from a folder without the registry's database."""
