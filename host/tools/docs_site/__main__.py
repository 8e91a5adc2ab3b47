"""Builds the site: `PYTHONPATH=host/tools python -m docs_site` writes build/site.

Nothing of the site is fetched from elsewhere when it is read: no fonts, no scripts, no pictures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any, Final

from docs_site.navigation import navigation
from docs_site.site_check import site_problems
from docs_site.staging import ROOT, stage
from docs_site.terminal_pictures import draw_pictures

PAGES: Final = ROOT / "build" / "docs"
SITE: Final = ROOT / "build" / "site"


def configuration(titles: dict[str, str]) -> dict[str, Any]:
    """Return the configuration of the builder."""
    return {
        "site_name": "Pressloop",
        "site_description": "Turn a manual hydraulic lab press into one that presses by protocol",
        "docs_dir": "docs",
        "site_dir": "site",
        "use_directory_urls": False,  # so that the pages can be read without a server
        "nav": navigation(titles, titles),
        "theme": {
            "variant": "modern",
            "language": "en",
            "font": False,
            "features": [
                "content.code.copy",
                "navigation.footer",
                "navigation.indexes",
                "navigation.path",
                "navigation.tabs",
                "navigation.top",
                "search.highlight",
            ],
            "palette": [
                {
                    "media": "(prefers-color-scheme: light)",
                    "scheme": "default",
                    "toggle": {"icon": "lucide/sun", "name": "Dark"},
                },
                {
                    "media": "(prefers-color-scheme: dark)",
                    "scheme": "slate",
                    "toggle": {"icon": "lucide/moon", "name": "Light"},
                },
            ],
        },
        "extra": {"generator": False},
        "extra_css": ["site.css"],
        "markdown_extensions": [
            "admonition",
            "attr_list",
            "def_list",
            "md_in_html",
            "tables",
            {"toc": {"permalink": True}},
            {"pymdownx.highlight": {"anchor_linenums": False}},
            "pymdownx.superfences",
            "pymdownx.inlinehilite",
        ],
        "plugins": [
            "search",
            {
                "mkdocstrings": {
                    "handlers": {
                        "python": {
                            "paths": [str(ROOT / "host" / "src")],
                            "options": {
                                "docstring_style": "google",
                                "heading_level": 3,
                                "inherited_members": False,
                                "members_order": "source",
                                "separate_signature": True,
                                "show_root_heading": False,
                                "show_root_toc_entry": False,
                                "show_source": False,
                                "show_signature_annotations": True,
                                "signature_crossrefs": False,
                                "filters": ["!^_", "!^model_config$"],
                            },
                        }
                    }
                }
            },
        ],
    }


CSS: Final = """\
.md-typeset table:not([class]) { font-size: 0.68rem; }
.md-typeset table:not([class]) th { padding: 0.5em 0.7em; }
.md-typeset table:not([class]) td { padding: 0.5em 0.7em; min-width: 4rem; vertical-align: top; }
.md-typeset table:not([class]) code { white-space: normal; overflow-wrap: anywhere; }
.md-typeset table:not([class]) td:first-child code { white-space: nowrap; }
.md-grid { max-width: 72rem; }
.md-typeset img { max-width: 100%; background: white; }
"""


def build() -> int:
    """Build the site and check it; return the exit code."""
    titles = stage(PAGES)
    (PAGES / "site.css").write_text(CSS, "utf-8")
    settings = ROOT / "build" / "mkdocs.yml"
    # JSON is YAML, and needs no writer of it.
    settings.write_text(json.dumps(configuration(titles), indent=2), "utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", settings],
        cwd=ROOT / "build",
        check=False,
    )
    if done.returncode:
        return done.returncode
    problems = list(site_problems(SITE))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{SITE.relative_to(ROOT) / 'index.html'}: {len(titles)} pages")
    return 1 if problems else 0


if __name__ == "__main__":
    if "--pictures" in sys.argv[1:]:
        draw_pictures()
    sys.exit(build())
