"""Draws what commands print, as pictures for the pages: `make docs DOCS_ARGS=--pictures`.

The commands run on the emulated press, so the pictures show what this version prints. They are
kept in docs/terminal, because pages are read without the site too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from docs_site.staging import DOCS

PICTURES: Final = DOCS / "terminal"
WIDTH: Final = 100

SCENES: Final = {
    "validate": ("validate", "first.yaml"),
    "run": ("run", "first.yaml", "--port", "emulated", "--out", "runs/rehearsal", "--yes"),
    "burst": ("run", "first.yaml", "--port", "emulated", "--out", "runs/burst", "--yes")
    + ("--fault", "burst@18"),
}
"""Arguments of `pressloop`, by the name of the picture."""

_LIVE: Final = re.compile(
    r"^(SIM|\d[\d:.]* s |\d+:\d\d |its address for a second|\S+ -> |runs/\S+$).*$"
)
"""Lines that differ from run to run, are overwritten while it lasts, or go to a pipe alone."""


def draw_pictures() -> None:
    """Run every scene, one after the other, and write its picture."""
    PICTURES.mkdir(exist_ok=True)
    page = (DOCS / "tutorial.md").read_text("utf-8")
    found = re.search(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    if found is None:
        raise SystemExit("docs/tutorial.md has no protocol")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "first.yaml").write_text(found[1], "utf-8")
        for name, words in SCENES.items():
            (PICTURES / f"{name}.svg").write_text(_picture(words, Path(folder)), "utf-8")


def _picture(words: tuple[str, ...], folder: Path) -> str:
    program = "from pressloop.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        typed = " ".join(word for word in words if word != "--yes")
        console.print(Text(f"$ pressloop {typed}"))
        for line in done.stdout.splitlines():
            plain = Text.from_ansi(line.rpartition("\r")[2])
            if not _LIVE.match(plain.plain):
                console.print(plain, soft_wrap=False)
        title = f"pressloop {words[0]}"
        svg = console.export_svg(title=title, theme=DIMMED_MONOKAI, unique_id=f"p-{words[0]}")
    # The font would be fetched from elsewhere; a reader's own monospace font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "DejaVu Sans Mono") + "\n"
