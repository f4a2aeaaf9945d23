"""Import lists: each row of a file becomes a report, and is filed as any other report.

A file's bytes become rows of cells (`lists`, `csv_text`, `workbook_reader`). A row of cells becomes a body of
`POST /v1/releases` or `/v1/detentions` (`headings`, `mapping`, `cell_values`, `rows`), unless it is perhaps no person
(`doubtful_rows`). The sender is asked about a list that is `unlike_the_last`. Bodies are filed in batches (`filing`),
each in one transaction with the progress of the import, so that a killed import goes on where it stopped (`stored`).
"""
