"""Compare a list of detentions with another list or with the registry. Nothing is stored.

`detentions` reads a list as an import does, and finds contradictions; `registry` reads what the reader may see of the
registry. `app.matching.alignment` pairs the two sides, and `comparison` builds the result and its workbook.
"""
