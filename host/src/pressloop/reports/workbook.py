"""Writes an Excel workbook (Office Open XML) of plain cells, row by row.

Only what tables of measurements need: numbers with all their digits, texts, true and false, bold
headings in a row that stays. Common packages write sixteen digits, and some numbers need
seventeen; they also take ten times as long for a million cells.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | bool | None

MAX_ROWS: Final = 1_048_576
"""Of a sheet, headings included."""

_MAX_CHARACTERS: Final = 32_767
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_ROWS_AT_ONCE: Final = 2000
# Files of the same content are then the same file.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sheet:
    """One table of a workbook; `widths` are those of its columns, in characters."""

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] = ()


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write a workbook; the rows of each sheet are read once, and not kept in memory."""
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        _add(archive, "[Content_Types].xml", _content_types(numbers))
        _add(archive, "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        _add(archive, "xl/workbook.xml", _contents(sheets))
        targets = [("worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
        relations = _relations([*targets, ("styles", "styles.xml")])
        _add(archive, "xl/_rels/workbook.xml.rels", relations)
        _add(archive, "xl/styles.xml", _STYLES)
        for number, sheet in zip(numbers, sheets, strict=True):
            name = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml", _MOMENT)
            name.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(name, "w", force_zip64=True) as file:
                _write_sheet(file, sheet)


def column_name(index: int) -> str:
    """Return the letters of a column, counted from 0: A to Z, then AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, _DECLARATION + text)


def _content_types(numbers: Iterable[int]) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in numbers]
    overrides = "".join(
        f'<Override PartName="{name}" ContentType="{_KIND}.{kind}+xml"/>' for name, kind in parts
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{number}" Type="{_DOCUMENT}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _contents(sheets: Sequence[Sheet]) -> str:
    inner = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, 1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}"><sheets>{inner}</sheets></workbook>'


_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def _write_sheet(file: IO[bytes], sheet: Sheet) -> None:
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
        for n, width in enumerate(sheet.widths, 1)
    )
    head = (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        "</sheetView></sheetViews>"
    )
    head += f"<cols>{columns}</cols>" if columns else ""
    file.write((_DECLARATION + head + "<sheetData>").encode())
    names = [column_name(index) for index in range(len(sheet.headings))]
    lines = [_row(names, 1, sheet.headings, style=' s="1"')]
    for number, row in enumerate(sheet.rows, 2):
        lines.append(_row(names, number, row))
        if len(lines) == _ROWS_AT_ONCE:
            file.write("".join(lines).encode())
            lines.clear()
    file.write(("".join(lines) + "</sheetData></worksheet>").encode())


def _row(names: Sequence[str], number: int, row: Sequence[Cell], style: str = "") -> str:
    cells = []
    for name, value in zip(names, row, strict=True):
        if value is None:
            continue
        if isinstance(value, bool):
            cells.append(f'<c r="{name}{number}"{style} t="b"><v>{value:d}</v></c>')
        elif isinstance(value, str):
            cells.append(
                f'<c r="{name}{number}"{style} t="inlineStr">'
                f'<is><t xml:space="preserve">{_text(value)}</t></is></c>'
            )
        else:
            cells.append(f'<c r="{name}{number}"{style}><v>{value!r}</v></c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _text(value: str) -> str:
    """Return text for XML, which takes no control characters, cut to what a cell takes."""
    cut = value[:_MAX_CHARACTERS]
    if not cut.isprintable():
        cut = "".join(sign if sign >= " " or sign in "\n\t" else " " for sign in cut)
    return escape(cut)
