"""firmware/tools/micropython.py: which MicroPython is used, and that it is always a whole one."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Replaces MicroPython; the first line of the probe's output is the version.
FITS = "#!/bin/sh\necho 1.25.0\n"
TOO_OLD = "#!/bin/sh\necho 1.22.0\necho 'is older than 1.25'\n"
CRASHES = "#!/bin/sh\nexit 139\n"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the tool as a module, with its build folder and its logs under `tmp_path`.

    Not under its own name: the firmware takes an importable `micropython` for the real one.
    """
    monkeypatch.syspath_prepend(ROOT / "host" / "tools")
    path = ROOT / "firmware" / "tools" / "micropython.py"
    spec = importlib.util.spec_from_file_location("setup_micropython", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path / "build")
    monkeypatch.setattr(module, "LOGS", tmp_path / "logs")
    return module


@pytest.fixture
def fake_bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(path: Path, text: str) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def built(tool: ModuleType, path: Path, text: str = FITS) -> Path:
    """Write an executable script that passes for one that the tool built."""
    path.with_name(f"{path.name}.flags").write_text("\n".join(tool.UNIX_FLAGS))
    return program(path, text)


def checkout(folder: Path) -> Path:
    """Make a folder that passes for MicroPython's source."""
    unix = folder / "ports" / "unix"
    unix.mkdir(parents=True)
    (unix / "Makefile").touch()
    return folder


def fake_make(fake_bin: Path, *, result: str = FITS, then: str = "") -> None:
    """Put a `make` on the PATH that writes `result` as the binary, and a `gcc` beside it."""
    program(fake_bin / "gcc", "#!/bin/sh\n")
    script = f"""#!/bin/sh
for word; do case $word in BUILD=*) folder=${{word#BUILD=}};; esac; done
cat > $folder/micropython <<'END'
{result}
END
chmod +x $folder/micropython
{then}
"""
    program(fake_bin / "make", script)


# --- which one ---------------------------------------------------------------------------------


def test_the_real_binary_fits(tool: ModuleType, micropython: Path) -> None:
    assert tool.probe(micropython) is None


@pytest.mark.parametrize(
    ("script", "complaint"),
    [(TOO_OLD, "older than 1.25"), (CRASHES, "exit code 139"), ("not a program", "does not run")],
)
def test_unfit_binary_is_named_as_such(
    tool: ModuleType, tmp_path: Path, script: str, complaint: str
) -> None:
    assert complaint in tool.probe(program(tmp_path / "candidate", script))


def test_an_interpreter_that_is_not_micropython_is_refused(tool: ModuleType) -> None:
    # The probe runs on any Python, so that it can report which one it is.
    assert "not MicroPython" in tool.probe(Path(sys.executable))


def test_the_named_binary_comes_before_the_built_one(tool: ModuleType, tmp_path: Path) -> None:
    named = program(tmp_path / "named", FITS)
    own = built(tool, tmp_path / "built")
    assert tool.find({"MICROPYTHON": str(named)}, own) == named


@pytest.mark.parametrize("script", [TOO_OLD, None])
def test_a_named_binary_that_is_unfit_is_an_error_not_a_fallback(
    tool: ModuleType, tmp_path: Path, script: str | None
) -> None:
    named = tmp_path / "named"
    if script:
        program(named, script)
    own = built(tool, tmp_path / "built")
    with pytest.raises(tool.SetupError, match=f"MICROPYTHON={named}"):
        tool.find({"MICROPYTHON": str(named)}, own)


def test_the_built_one_comes_before_the_path(tool: ModuleType, tmp_path: Path) -> None:
    own = built(tool, tmp_path / "built")
    program(tmp_path / "bin" / "micropython", FITS)
    assert tool.find({"PATH": str(tmp_path / "bin")}, own) == own


def test_an_unfit_built_one_is_passed_over(tool: ModuleType, tmp_path: Path) -> None:
    own = built(tool, tmp_path / "built", CRASHES)
    on_path = program(tmp_path / "bin" / "micropython", FITS)
    assert tool.find({"PATH": str(tmp_path / "bin")}, own) == on_path


def test_one_that_was_built_in_another_way_is_built_anew(
    tool: ModuleType, tmp_path: Path, fake_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def builds() -> bool:
        out.write_text(FITS + "# the one that was there\n")
        tool.unix(out, {"PATH": ""})
        return "was there" not in out.read_text()

    out = program(tmp_path / "micropython", FITS)
    fake_make(fake_bin)
    checkout(tool.BUILD / "source")
    assert builds()
    assert not builds()
    monkeypatch.setattr(tool, "UNIX_FLAGS", ("VARIANT=other",))
    assert builds()


@pytest.mark.parametrize("environ", [{"PATH": ""}, {"PATH": "", "MICROPYTHON_SRC": "/src"}])
def test_none_means_build(tool: ModuleType, tmp_path: Path, environ: dict[str, str]) -> None:
    assert tool.find(environ, tmp_path / "absent") is None


# --- put in place ------------------------------------------------------------------------------


def test_a_named_binary_is_linked_and_replaced_by_another(tool: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "out" / "micropython"
    for name in ("first", "second"):
        named = program(tmp_path / name, FITS)
        tool.unix(out, {"MICROPYTHON": str(named)})
        assert out.samefile(named)


def test_a_fit_binary_is_left_alone(tool: ModuleType, tmp_path: Path) -> None:
    out = built(tool, tmp_path / "micropython")
    before = out.stat()
    tool.unix(out, {"PATH": ""})
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_named_checkout_is_built_and_not_written_into(
    tool: ModuleType, tmp_path: Path, fake_bin: Path
) -> None:
    fake_make(fake_bin)
    tree = checkout(tmp_path / "src")
    before = sorted(tree.rglob("*"))
    tool.unix(tmp_path / "micropython", {"MICROPYTHON_SRC": str(tree)})
    assert tool.probe(tmp_path / "micropython") is None
    assert sorted(tree.rglob("*")) == before


def test_a_named_checkout_that_is_none_is_an_error(tool: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(tool.SetupError, match="no ports/unix/Makefile"):
        tool.unix(tmp_path / "micropython", {"MICROPYTHON_SRC": str(tmp_path)})


@pytest.mark.parametrize(
    ("result", "then", "message"),
    [(FITS, "echo boom; exit 2", "boom"), (CRASHES, "", "does not run")],
    ids=["compiler fails", "binary crashes"],
)
def test_a_failed_build_leaves_the_old_binary(
    tool: ModuleType, tmp_path: Path, fake_bin: Path, result: str, then: str, message: str
) -> None:
    out = program(tmp_path / "micropython", FITS)
    fake_make(fake_bin, result=result, then=then)
    with pytest.raises(tool.SetupError, match=message):
        tool.build_unix(checkout(tmp_path / "src"), out)
    assert out.read_text() == FITS


def test_a_killed_build_leaves_nothing_in_place(tmp_path: Path, fake_bin: Path) -> None:
    """The build kills the tool that started it, as a power cut would, after linking the binary."""
    fake_make(fake_bin, then="kill -9 $PPID")
    out = tmp_path / "micropython"
    program = ROOT / "firmware" / "tools" / "micropython.py"
    command: list[str | Path] = [sys.executable, program, "unix", out]
    environ = os.environ | {"MICROPYTHON_SRC": str(checkout(tmp_path / "src")), "MICROPYTHON": ""}
    assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == -9
    assert not out.exists()


# --- Debian's source ---------------------------------------------------------------------------

LISTING = """\
http://mirror.lab/debian/ bookworm main
http://mirror.lab/debian/ bookworm contrib
http://mirror.lab/debian/ bookworm-updates main
http://security.lab/debian-security/ bookworm-security main
mirror+file:/etc/apt/mirrors/debian.list/ bookworm main
"""


def test_the_machines_own_mirrors_are_used(tool: ModuleType) -> None:
    assert tool.mirrors(LISTING, "debian", "bookworm") == [
        "http://mirror.lab/debian",
        "mirror+file:/etc/apt/mirrors/debian.list",
    ]


def test_another_distributions_mirrors_hold_no_debian_suite(tool: ModuleType) -> None:
    assert tool.mirrors(LISTING, "ubuntu", "bookworm") == []


def test_source_that_is_there_is_left_alone(
    tool: ModuleType, tmp_path: Path, fake_bin: Path
) -> None:
    program(fake_bin / "apt-get", "#!/bin/sh\nexit 1\n")
    tool.source(checkout(tmp_path / "source"))


def test_without_apt_the_message_names_the_ways_out(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tool.SetupError, match=r"brew install micropython[\s\S]*MICROPYTHON_SRC="):
        tool.source(tmp_path / "source")


# Replaces apt. It has two mirrors, of which the first lacks the suite.
FAKE_APT = """#!/bin/sh
case "$*" in
  *indextargets*)
    echo 'http://stale.lab/debian/ bookworm main'; echo 'http://good.lab/debian/ bookworm main' ;;
  *update)
    for word; do case $word in -oDir::Etc::SourceList=*) list=${word#*=};; esac; done
    grep -q 'deb-src .*good.lab/debian trixie main' "$list" ;;
  *source*)
    mkdir -p top/ports/unix && touch top/ports/unix/Makefile
    tar -cJf micropython_1.25.0+ds.orig.tar.xz top && rm -r top ;;
esac
"""


def test_a_mirror_without_the_suite_is_passed_over(
    tool: ModuleType, tmp_path: Path, fake_bin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(fake_bin / "apt-get", FAKE_APT)
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    monkeypatch.setattr(tool, "DEBIAN_KEYRING", keyring)
    release = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
    monkeypatch.setattr(tool.platform, "freedesktop_os_release", lambda: release)
    tool.source(tmp_path / "build" / "source")
    assert (tmp_path / "build" / "source" / "ports" / "unix" / "Makefile").is_file()
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["source"]
