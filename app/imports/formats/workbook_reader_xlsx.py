"""The facts of an XLSX sheet that `python_calamine` does not report: formulas without a value, merged cells, hidden
rows and columns, struck-out cells, comments, colours.

It runs in the process of `workbook_reader_child` and under its limits, and imports nothing of the registry. openpyxl
reads fills, relations and references. It does not load the sheet: a loaded sheet has either the formula or the value of
a cell, and takes six times as long and seven times the memory of one read row by row (decision 0087).
"""

import colorsys
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers import expat

from openpyxl.packaging.relationship import get_dependents, get_rels_path
from openpyxl.styles.colors import COLOR_INDEX, Color
from openpyxl.styles.fills import Fill
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

if TYPE_CHECKING:
    from app.imports.formats.workbook_reader_child import WorkbookFacts

MAX_COLUMNS = 500  # as of any list (`csv`)
# A sheet is read a second time only if it has any of these: a formula or the type of an error, under whatever prefix;
# something merged, hidden or struck out.
_WORTH_READING = re.compile(
    rb"""<(?:\w+:)?f[\s/>]|t=["']e["']|hidden=|(?:ht|width)=["']0|mergeCell\s|strike|<!ENTITY"""
)
_WORKBOOK, _STYLES, _STRINGS = "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"
_THEME = "xl/theme/theme1.xml"
# The order in which cells number the colours of a theme differs from that of the theme (ECMA-376 part 1, 18.8.3).
_THEME_COLOURS = ("lt1", "dk1", "lt2", "dk2", *(f"accent{number}" for number in range(1, 7)), "hlink", "folHlink")
_WHITE = "FFFFFF"
_NO = ("0", "false")
_PROLOG_BYTES = 64 * 1024


def look(data: bytes, name: str, width: int, facts: "WorkbookFacts") -> None:
    """Write the facts of the sheet of that name, of its first `width` columns, into `facts`.

    Raises whatever openpyxl and the parsers do.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _find_sheet_path(archive, name)
        colours, struck_styles = _read_styles(archive)
        reader = _SheetReader(facts, min(width, MAX_COLUMNS), colours, struck_styles, _find_struck_texts(archive))
        xml = archive.read(path)
        if reader.is_needed or _WORTH_READING.search(xml) is not None:
            reader.read(xml)
        _read_comments(archive, path, facts)


class _SheetReader:
    """Reads the rows of one sheet (ECMA-376 part 1, section 18.3.1)."""

    def __init__(
        self, facts: "WorkbookFacts", width: int, colours: dict[str, str], struck_styles: set[str], texts: set[str]
    ) -> None:
        """`colours`, `struck_styles`: by the numbers of styles; `texts`: shared texts with a struck-out part."""
        self._facts, self._width, self._colours = facts, width, colours
        self._struck_styles, self._struck_texts = struck_styles, texts
        self._row = 0

    @property
    def is_needed(self) -> bool:
        return bool(self._colours or self._struck_styles or self._struck_texts)

    def read(self, xml: bytes) -> None:
        namespace = _read_namespace(xml)
        self._formula, self._value = namespace + "f", namespace + "v"
        readers: dict[str, Callable[[Any], None]] = {
            namespace + "row": self._read_row,
            namespace + "col": self._read_column,
            namespace + "mergeCell": self._read_merged_cell,
        }
        for _event, element in ElementTree.iterparse(io.BytesIO(xml)):  # noqa: S314 - this process has limits
            if read := readers.get(element.tag):
                read(element)
                element.clear()

    def _read_row(self, row: Any) -> None:
        self._row = int(row.get("r", self._row + 1))
        if _is_hidden(row, "ht"):
            self._facts.hidden_rows.add(self._row)
        named_index = -1  # of the last cell with a reference
        for index, cell in enumerate(row):
            if cell.get("r"):
                named_index = index
            style = cell.get("s", "0")
            colour = self._colours.get(style)
            is_valueless, is_struck = self._lacks_value(cell), self._is_struck(cell, style)
            if not (colour or is_valueless or is_struck):
                continue
            place = _find_place(row, index, named_index)
            if place >= self._width:
                continue
            if colour:
                self._facts.colours.setdefault(self._row, {}).setdefault(colour, []).append(place)
            if is_valueless:
                self._facts.without_value.setdefault(self._row, []).append(place)
            if is_struck:
                self._facts.struck_out.setdefault(self._row, []).append(place)

    def _lacks_value(self, cell: Any) -> bool:
        """Whether a cell has an error, or a formula alone. Some programs write an empty value, which counts as none; an
        empty text that was computed is known by its type."""
        kind = cell.get("t")
        if kind == "e":
            return True
        if cell.find(self._formula) is None:
            return False
        value = cell.find(self._value)
        return value is None or (kind != "str" and not (value.text or "").strip())

    def _is_struck(self, cell: Any, style: str) -> bool:
        kind = cell.get("t")
        if style in self._struck_styles and len(cell):
            return True
        if kind == "s" and self._struck_texts:
            return cell.findtext(self._value) in self._struck_texts
        return kind == "inlineStr" and _has_strike(cell)

    def _read_column(self, column: Any) -> None:
        if _is_hidden(column, "width"):
            first, last = int(column.get("min", "1")), int(column.get("max", "1"))
            self._facts.hidden_columns |= set(range(max(first, 1) - 1, min(last, MAX_COLUMNS)))

    def _read_merged_cell(self, cell: Any) -> None:
        first_column, first_row, last_column, last_row = range_boundaries(cell.get("ref"))
        if first_column <= MAX_COLUMNS:
            self._facts.add_merged_cell(first_row, last_row, first_column - 1, min(last_column, MAX_COLUMNS) - 1)


def _find_place(row: Any, index: int, named_index: int) -> int:
    """The column of a cell, from 0. Cells without a reference follow the last cell with one."""
    if named_index < 0:
        return index
    return int(coordinate_to_tuple(row[named_index].get("r"))[1]) - 1 + index - named_index


def _is_hidden(element: Any, size: str) -> bool:
    """Whether a row or a column is hidden, or has no height or width."""
    return element.get("hidden", "0") not in _NO or element.get(size, "1").strip("0.") == ""


def _read_namespace(xml: bytes) -> str:
    """Return the namespace of a part, which tells the two kinds of XLSX apart, in braces.

    Raises ExpatError for an entity: spreadsheet programs declare none, and expanding one is an attack.
    """
    roots: list[str] = []

    def refuse(*_declared: object) -> None:
        raise expat.ExpatError("an entity")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda tag, _attributes: roots.append(tag)
    for start in range(0, len(xml), _PROLOG_BYTES):
        parser.Parse(xml[start : start + _PROLOG_BYTES])
        if roots:
            break
    return "{" + roots[0].rpartition("}")[0] + "}" if roots and "}" in roots[0] else ""


def _find_part(archive: zipfile.ZipFile, path: str) -> str | None:
    """The name of a part as the archive writes it: case makes no difference (ECMA-376 part 2, section 6.2.2.3)."""
    return next((name for name in archive.namelist() if name.lower() == path.lower()), None)


def _parse_part(archive: zipfile.ZipFile, path: str) -> Any:
    xml = archive.read(path)
    _read_namespace(xml)
    return ElementTree.fromstring(xml)  # noqa: S314 - this process has limits


def _has_strike(element: Any) -> bool:
    return any(part.tag.endswith("}strike") and part.get("val") not in _NO for part in element.iter())


def _find_children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if child.tag.rpartition("}")[2] == name)


def _find_grandchildren(element: Any, name: str, child: str) -> Iterator[Any]:
    return (grandchild for part in _find_children(element, name) for grandchild in _find_children(part, child))


def _read_styles(archive: zipfile.ZipFile) -> tuple[dict[str, str], set[str]]:
    """The styles of cells: number → colour, and the numbers of those that strike out (ECMA-376 part 1, 18.8)."""
    path = _find_part(archive, _STYLES)
    if path is None:
        return {}, set()
    tree = _parse_part(archive, path)
    palette = [color.get("rgb", "") for part in _find_children(tree, "colors") for color in _find_palette(part)]
    theme = _read_theme(archive)
    fills = [Fill.from_tree(fill) for fill in _find_grandchildren(tree, "fills", "fill")]
    fill_colours = {str(number): _find_colour(fill, palette, theme) for number, fill in enumerate(fills)}
    fonts = _find_grandchildren(tree, "fonts", "font")
    struck_fonts = {str(number) for number, font in enumerate(fonts) if _has_strike(font)}
    colours, struck_styles = {}, set()
    for number, style in enumerate(_find_grandchildren(tree, "cellXfs", "xf")):
        if colour := fill_colours.get(style.get("fillId", "0")):
            colours[str(number)] = colour
        if style.get("fontId", "0") in struck_fonts:
            struck_styles.add(str(number))
    return colours, struck_styles


def _find_palette(colors: Any) -> Iterable[Any]:
    return _find_grandchildren(colors, "indexedColors", "rgbColor")


def _read_theme(archive: zipfile.ZipFile) -> dict[str, str]:
    """The colours of the theme: name → RGB (ECMA-376 part 1, section 20.1.6.2)."""
    path = _find_part(archive, _THEME)
    parts = _parse_part(archive, path).iter() if path else ()
    scheme = next((part for part in parts if part.tag.endswith("}clrScheme")), ())
    named = ((part.tag.rpartition("}")[2], next(iter(part), None)) for part in scheme)
    found = {name: color.get("lastClr") or color.get("val", "") for name, color in named if color is not None}
    return {name: rgb.upper() for name, rgb in found.items() if re.fullmatch("[0-9A-Fa-f]{6}", rgb)}


def _find_colour(fill: Any, palette: list[str], theme: dict[str, str]) -> str | None:
    """The RGB of a solid fill, `theme:<number>` if the workbook does not say its theme; None for white or no fill."""
    if getattr(fill, "patternType", None) != "solid":
        return None
    color: Color = fill.fgColor
    if color.type == "rgb":
        rgb = color.rgb
    elif color.type == "indexed":
        # Numbers behind the last are the colours of the system, whatever they are.
        rgb = dict(enumerate(palette or COLOR_INDEX)).get(color.indexed, _WHITE)
    elif color.type == "theme":
        name = dict(enumerate(_THEME_COLOURS)).get(color.theme, "lt1")
        if name not in theme:
            return None if name == "lt1" else f"theme:{color.theme}"
        rgb = theme[name]
    else:
        return None
    rgb = rgb[-6:].upper()
    rgb = _tint(rgb, color.tint) if color.tint else rgb
    return None if rgb == _WHITE else rgb


def _tint(rgb: str, tint: float) -> str:
    """A colour made darker (`tint` below 0) or lighter (ECMA-376 part 1, section 18.8.19)."""
    hue, light, saturation = colorsys.rgb_to_hls(*(int(rgb[place : place + 2], 16) / 255 for place in (0, 2, 4)))
    light = light * (1 + tint) if tint < 0 else light * (1 - tint) + tint
    return "".join(f"{round(part * 255):02X}" for part in colorsys.hls_to_rgb(hue, light, saturation))


def _find_struck_texts(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the shared texts of which a part is struck out (ECMA-376 part 1, section 18.4)."""
    path = _find_part(archive, _STRINGS)
    if path is None or b"strike" not in archive.read(path):
        return set()
    texts = enumerate(_find_children(_parse_part(archive, path), "si"))
    return {str(number) for number, text in texts if _has_strike(text)}


def _read_comments(archive: zipfile.ZipFile, sheet: str, facts: "WorkbookFacts") -> None:
    """The places of comments (ECMA-376 part 1, section 18.7). Programs with threaded comments write these too."""
    relations = _find_part(archive, get_rels_path(sheet))
    for relation in get_dependents(archive, relations) if relations else ():
        path = _find_part(archive, relation.target) if relation.Type.endswith("/comments") else None
        for comment in _parse_part(archive, path).iter() if path else ():
            if comment.tag.endswith("}comment"):
                row, column = coordinate_to_tuple(comment.get("ref"))
                facts.comments.setdefault(row, []).append(column - 1)


def _find_sheet_path(archive: zipfile.ZipFile, name: str) -> str:
    """The path of the sheet of that name (ECMA-376 part 1, sections 12.3.23 and 12.3.24). Raises ValueError."""
    relations = {relation.Id: relation for relation in get_dependents(archive, get_rels_path(_WORKBOOK))}
    for sheet in _parse_part(archive, _WORKBOOK).iter():
        if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
            number = next((value for key, value in sheet.items() if key.endswith("}id")), "")
            if number in relations and (path := _find_part(archive, relations[number].target)):
                return path
    raise ValueError("no such sheet")
