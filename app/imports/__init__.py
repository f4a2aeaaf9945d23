"""Import lists: each row of a file becomes a report, and is filed like any other report.

`lists` opens a file and reads its rows of cells (with `formats`). `headings` and `mapping` find the field of each
column; `rows` and `cell_values` turn a row into a body of `POST /v1/releases` or `/v1/detentions`, unless it is perhaps
no person (`doubts`). `survey` asks about a list that differs from the source's last one. `filing` files bodies in
batches, each in one transaction with the progress of the import (`stored`), so that a killed import goes on where it
stopped. `remote` sends a list to another registry.
"""
