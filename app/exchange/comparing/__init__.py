"""My list against theirs: a list of detentions laid beside another, or beside what the registry holds.

Lines become detentions (`detentions`): those of a file through the reader of imports (`files`), those of the registry
as far as the reader may see them (`registry`). `app.matching.align` pairs them, `report` says what came of it, and
`sheets` writes that as a workbook. Nothing is stored.
"""
