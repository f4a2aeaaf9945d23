"""Import lists: each row of a file becomes a report, and is filed like any other report.

`list_reader` opens a file with `formats`, `layout` and `heading_recognition`: its sheets, headings and columns.
`rows` reads a row as the body of a report, by `cell_values`, `sheet_dates`, `states` and `row_states`.
`preparation` finds the source's own reports that rows are about, and collects all questions before anything is filed:
those of `questions` about the file, and those of `survey`, `own_reports` and `missing_rows` about what would change.
A question names the place of its answer in a `mapping`; `answers` writes it there, over those remembered.
`row_filing` files bodies in batches, each in one transaction with the progress of the import (`import_store`).
`receipts` says what became of the rows; `undo` takes a list back.
`remote` does the same from another machine, in parts.
"""
