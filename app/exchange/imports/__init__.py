"""Lists in: a file of rows becomes reports, row by row, through the one write path.

A file's bytes become rows of cells (`lists`, `csv_text`, `workbook_reader`), and a row of cells a body of
`POST /v1/releases` or `/v1/detentions` (`headings`, `mapping`, `cell_values`, `rows`), unless it is perhaps no person
(`doubtful_rows`). A list that is `unlike_the_last` is asked about first. Bodies are filed in batches (`filing`), each
with the progress of the import in one transaction, so that an import killed anywhere goes on where it stopped
(`stored`).
"""
