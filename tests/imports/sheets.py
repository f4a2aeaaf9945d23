"""Small workbooks made by hand, so that a test can put into one what no program would."""

import io
import zipfile
from collections.abc import Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def packed(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def text(cell: str, said: str) -> str:
    return f'<c r="{cell}" t="inlineStr"><is><t>{said}</t></is></c>'


def row(number: int, *cells: str) -> str:
    """A row of texts, from column A on; a cell that begins with `<` stands as it is."""
    made = [c if c.startswith("<") else text(f"{chr(65 + place)}{number}", c) for place, c in enumerate(cells)]
    return f'<row r="{number}">{"".join(made)}</row>'


def day(cell: str, serial: int) -> str:
    """A day, as the number that a spreadsheet keeps with the format of a date."""
    return f'<c r="{cell}" s="1"><v>{serial}</v></c>'


def xlsx(
    *rows: str,
    name: str = "Lista",
    hidden: bool = False,
    before: str = "",
    after: str = "",
    comments: Sequence[str] = (),
) -> bytes:
    """A workbook of one sheet; with `hidden`, of a hidden one beside it. `before` and `after` the rows stands what else
    is to be in the sheet; style 2 is struck out."""
    cells = "".join(rows)
    beside = "".join(f'<comment ref="{cell}" authorId="0"><text><t>Ojo</t></text></comment>' for cell in comments)
    commented = {
        "xl/worksheets/_rels/sheet1.xml.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="c" '
        f'Type="{_OFFICE}/comments" Target="../comments1.xml"/></Relationships>',
        "xl/comments1.xml": f'<comments xmlns="{MAIN}"><commentList>{beside}</commentList></comments>',
    }
    more = '<sheet name="Oculta" sheetId="2" state="hidden" r:id="s"/>' if hidden else ""
    return packed(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="w" Type="{_OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}"><sheets>{more}'
            f'<sheet name="{name}" sheetId="1" r:id="s"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELS}">'
            f'<Relationship Id="s" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="t" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
            "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><fonts><font/><font><strike/></font></fonts>'
            '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="0" fontId="1"/></cellXfs>'
            "</styleSheet>",
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}">{before}<sheetData>{cells}</sheetData>{after}'
            "</worksheet>",
            **(commented if comments else {}),
        }
    )


def ods(*rows: tuple[str, ...]) -> bytes:
    """An OpenDocument spreadsheet of one sheet of texts; a cell that begins with `<` stands as it is."""
    table = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    words = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    cells = "".join(
        "<table:table-row>"
        + "".join(
            one
            if one.startswith("<")
            else f'<table:table-cell office:value-type="string"><text:p>{one}</text:p></table:table-cell>'
            for one in cells
        )
        + "</table:table-row>"
        for cells in rows
    )
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{manifest}"/>',
            "content.xml": f'<office:document-content xmlns:office="{office}" xmlns:table="{table}" '
            f'xmlns:text="{words}" xmlns:calcext="urn:x"><office:body><office:spreadsheet>'
            f'<table:table table:name="Hoja1">{cells}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        }
    )
