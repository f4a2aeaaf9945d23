"""Compare a list of detentions with another list or with the registry. Nothing is stored.

`files` reads a list as an import does, `registry` reads the registry as far as the reader may see it; both make
`detentions`. `app.matching.alignment` pairs these, `report` makes the result, and `sheets` writes it as a workbook.
"""
