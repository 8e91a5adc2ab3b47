"""Gives a recorded run to people and to other programs: page, tables, archive, cycler's table.

Tables in CSV need the extra `data`, everything else the extra `reports`. Nothing in here changes a
record; what a record does not say is named as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pressloop.extras import import_public

if TYPE_CHECKING:
    from pressloop.reports.csv_export import export_csv
    from pressloop.reports.cycler_table import join_cycler
    from pressloop.reports.eln import export_eln
    from pressloop.reports.mcap_export import export_mcap
    from pressloop.reports.methods import methods_of
    from pressloop.reports.overlay import plot_comparison
    from pressloop.reports.page import report_html, write_report, write_report_pdf
    from pressloop.reports.xlsx_export import export_xlsx

_HOMES: Final = {
    "export_csv": "csv_export",
    "export_eln": "eln",
    "export_mcap": "mcap_export",
    "export_xlsx": "xlsx_export",
    "join_cycler": "cycler_table",
    "methods_of": "methods",
    "plot_comparison": "overlay",
    "report_html": "page",
    "write_report": "page",
    "write_report_pdf": "page",
}

__all__ = [
    "export_csv",
    "export_eln",
    "export_mcap",
    "export_xlsx",
    "join_cycler",
    "methods_of",
    "plot_comparison",
    "report_html",
    "write_report",
    "write_report_pdf",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use, as each needs other packages."""
    return import_public(__name__, _HOMES, name)
