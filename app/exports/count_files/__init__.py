"""Count files: everything that public counts read, as Parquet files that anyone can download and count from.

`tables` defines the tables and numbers their rows; `unlinked` separates rows that must not be linked to other sources.
`files` splits the log into parts that never change, and reads descriptors; `parquet` reads and writes files; `folders`
publishes folders. `write` writes a folder, `personal` the personal parts, and `load` counts from a folder without the
registry's database.
"""
