"""Find MicroPython's unix port for the emulated board, or build it.

    micropython.py find          print the binary that would be used
    micropython.py unix OUT      make OUT a working binary: a link to an existing one, or a build
    micropython.py source DIR    unpack MicroPython's source into DIR
    micropython.py rp2 DIR       the same, with the libraries that the rp2 port needs

`source` and `rp2` take `--suite NAME`, another Debian release with a newer MicroPython:
`micropython.py rp2 DIR --suite sid`, then `MICROPYTHON_SRC=DIR make test firmware`.

What the user names comes first, and there is no silent fallback from it:
MICROPYTHON=/path/to/binary, or MICROPYTHON_SRC=/path/to/checkout, which is built without writing
into it. Then comes an earlier build, then `micropython` on the PATH, then a build of Debian's
source package: apt checks its signature, needs no root to download it, and uses the mirrors of the
machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host" / "tools"))
from phase import LOGS, REPOSITORY, SetupError, apt_install, exit_code, run

BUILD = REPOSITORY / "build" / "micropython"
MIN_VERSION = (1, 25)
# The first Debian release whose MicroPython is new enough.
SUITE = "trixie"
DEBIAN_MIRROR = "http://deb.debian.org/debian"
DEBIAN_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# TLS, the database and foreign functions are left out: each needs a library that neither the
# firmware nor the emulated board uses. Nothing is frozen, so mpy-cross is not needed either.
# Without -Werror (CWARN) a compiler newer than the source can build it. No threads, so that no lock
# is taken at every allocation, and -O2 instead of -Os: together they save a sixth of the emulated
# board's time. Frames of functions lie on a stack of their own (PYSTACK), not on the heap, where
# each call searches for room among the holes that loading the modules left: more than half of a
# tick in real time.
UNIX_FLAGS = (
    "VARIANT=standard",
    "MICROPY_PY_SSL=0",
    "MICROPY_PY_BTREE=0",
    "MICROPY_PY_FFI=0",
    "MICROPY_PY_THREAD=0",
    "COPT=-O2 -DNDEBUG -fdata-sections -ffunction-sections",
    "FROZEN_MANIFEST=",
    "CFLAGS_EXTRA=-DMICROPY_ENABLE_PYSTACK=1",
    "CWARN=-Wall",
)

# Runs on the candidate: prints its version, then what the firmware or the emulated board lacks.
_PROBE = f"""
import sys
print("%d.%d.%d" % sys.implementation.version[:3])
if sys.implementation.name != "micropython":
    print("is not MicroPython")
elif sys.implementation.version[:2] < {MIN_VERSION}:
    print("is older than {MIN_VERSION[0]}.{MIN_VERSION[1]}")
elif sys.maxsize < 2**62:
    print("is not a 64-bit build")
else:
    try:
        import gc, os, select, socket, struct, time
        from binascii import crc32
        from micropython import const, heap_lock, heap_unlock
        select.poll
    except (ImportError, AttributeError) as error:
        print("lacks a feature:", error)
"""


def find(environ: Mapping[str, str], built: Path) -> Path | None:
    """Return the binary to use, or None when one has to be built.

    Raises SetupError when the binary that the user named in MICROPYTHON is unfit.
    """
    named = environ.get("MICROPYTHON")
    if named:
        path = shutil.which(named, path=environ.get("PATH"))
        if path is None:
            raise SetupError(f"MICROPYTHON={named} is not a program. Name a binary, or unset it.")
        complaint = probe(Path(path))
        if complaint:
            raise SetupError(f"MICROPYTHON={named} {complaint}. Name another one, or unset it.")
        return Path(path).absolute()
    if environ.get("MICROPYTHON_SRC"):
        return None
    on_path = shutil.which("micropython", path=environ.get("PATH"))
    if _is_current(built) and probe(built) is None:
        return built.absolute()
    if on_path and probe(Path(on_path)) is None:
        return Path(on_path).absolute()
    return None


def _is_current(built: Path) -> bool:
    """Return whether `built` is a link to another one, or was built as it would be now."""
    if built.is_symlink():
        return True
    flags = _flags_file(built)
    return flags.exists() and flags.read_text().splitlines() == list(UNIX_FLAGS)


def _flags_file(built: Path) -> Path:
    return built.with_name(f"{built.name}.flags")


def probe(binary: Path) -> str | None:
    """Run `binary` and return why it is unfit, None when it fits."""
    try:
        result = subprocess.run(
            [binary, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run ({error})"
    if result.returncode != 0 or not result.stdout:
        return f"does not run (exit code {result.returncode})"
    version, *complaint = result.stdout.splitlines()
    return f"{complaint[0]} (version {version})" if complaint else None


def unix(out: Path, environ: Mapping[str, str]) -> None:
    """Make `out` a working binary, unless it is one already."""
    found = find(environ, out)
    if found is None:
        checkout = environ.get("MICROPYTHON_SRC")
        if checkout:
            tree = Path(checkout).absolute()
            if not (tree / "ports" / "unix" / "Makefile").is_file():
                raise SetupError(f"MICROPYTHON_SRC={checkout} has no ports/unix/Makefile.")
        else:
            tree = BUILD / "source"
            source(tree)
        build_unix(tree, out)
    elif not out.exists() or not out.samefile(found):
        _put_in_place(out, lambda new: new.symlink_to(found))


def build_unix(tree: Path, out: Path) -> None:
    """Build `tree`'s unix port outside the tree; put it at `out` once it is known to work."""
    missing = [tool for tool in ("gcc", "make") if shutil.which(tool) is None]
    if missing:
        apt_install("build-essential")
    BUILD.mkdir(parents=True, exist_ok=True)
    # A new folder each time: an interrupted compiler may leave half an object file.
    with tempfile.TemporaryDirectory(prefix="unix-", dir=BUILD) as folder:
        # Without this, the outer make would influence this one, and MicroPython would take its
        # version from the tags of this repository.
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        env["GIT_CEILING_DIRECTORIES"] = str(tree.parent)
        jobs = f"-j{os.cpu_count() or 1}"
        make = ("make", "-C", tree / "ports" / "unix", jobs, f"BUILD={folder}", *UNIX_FLAGS)
        run("MicroPython, unix port", LOGS / "micropython-unix.log", *make, env=env)
        built = Path(folder) / "micropython"
        complaint = probe(built)
        if complaint:
            raise SetupError(f"MicroPython as built from {tree} {complaint}.")
        _put_in_place(out, lambda new: shutil.copy2(built, new))
        _flags_file(out).write_text("\n".join(UNIX_FLAGS))


def source(tree: Path, suite: str = SUITE) -> None:
    """Unpack Debian's MicroPython source into `tree`, unless it is there.

    Raises SetupError, which says what to do instead, when this machine cannot fetch it.
    """
    if (tree / "ports" / "unix" / "Makefile").is_file():
        return
    if shutil.which("apt-get") is None:
        raise SetupError(
            "MicroPython 1.25 or newer is needed and this machine has no apt to fetch it with.\n"
            "Install it so that `micropython` is on the PATH (macOS: brew install micropython),\n"
            "or clone it and say make setup MICROPYTHON_SRC=/path/to/the/checkout."
        )
    if not DEBIAN_KEYRING.is_file():
        apt_install("debian-archive-keyring")
    if shutil.which("xz") is None:
        apt_install("xz-utils")
    archive = _download(_fetch_source, suite, "micropython")
    tree.parent.mkdir(parents=True, exist_ok=True)
    # Unpacked beside `tree` and then renamed, so that an existing tree is a whole one.
    with tempfile.TemporaryDirectory(prefix="source-", dir=tree.parent) as folder:
        unpacked = Path(folder) / "tree"
        unpacked.mkdir()
        tar = ("tar", "-xf", archive, "-C", unpacked, "--strip-components=1")
        run("MicroPython source, unpacking", LOGS / "micropython-unpack.log", *tar)
        unpacked.rename(tree)
    shutil.rmtree(BUILD / "apt")


def rp2_libraries(tree: Path, suite: str = SUITE) -> None:
    """Put the submodules of MicroPython's rp2 port into `tree`, from Debian's packages.

    Does nothing when they are there. Raises SetupError when this machine cannot fetch them.
    """
    done = tree / "lib" / ".rp2-libraries"
    if done.exists():
        return
    # MicroPython up to 1.26 does not support a Pico SDK newer than the first suite's.
    newer = "pico_platform_common" in (tree / "ports" / "rp2" / "CMakeLists.txt").read_text()
    suite = suite if newer else SUITE
    packages = _download(_fetch_packages, suite, "pico-sdk-source", "tinyusb-source")
    archive = _download(_fetch_source, suite, "mbedtls")
    with tempfile.TemporaryDirectory(prefix="rp2-", dir=tree.parent) as folder:
        for package in packages.glob("*.deb"):
            log = LOGS / f"{package.name.split('_')[0]}-unpack.log"
            run(f"{package.name.split('_')[0]}, unpacking", log, "dpkg-deb", "-x", package, folder)
        for name in ("pico-sdk", "tinyusb"):
            unpacked = Path(folder) / "usr" / "src" / name
            shutil.copytree(unpacked, tree / "lib" / name, symlinks=True, dirs_exist_ok=True)
    tar = ("tar", "-xf", archive, "-C", tree / "lib" / "mbedtls", "--strip-components=1")
    run("mbedtls, unpacking", LOGS / "mbedtls-unpack.log", *tar)
    # The port's makefiles look for these files to see whether a submodule is there.
    for name in ("pico-sdk", "micropython-lib"):
        (tree / "lib" / name / "README.md").touch()
    done.touch()
    shutil.rmtree(BUILD / "apt")


def _download(fetch: Callable[..., Path], suite: str, *names: str) -> Path:
    """Fetch Debian packages by `fetch(mirror, suite, *names)` and return the path that it returns.

    The machine's mirrors are tried before Debian's own; a mirror without the suite is skipped.
    """
    failure = SetupError("no mirror")
    for mirror in dict.fromkeys([*_machine_mirrors(), DEBIAN_MIRROR]):
        try:
            return fetch(mirror, suite, *names)
        except SetupError as error:
            failure = error
    raise failure


def _fetch_source(mirror: str, suite: str, name: str) -> Path:
    """Fetch the source package `name` from `mirror` and return the path of its tarball."""
    apt = _apt("source", f"deb-src [signed-by={DEBIAN_KEYRING}] {mirror} {suite} main\n")
    run(f"Debian {suite}, source index", LOGS / f"{name}-index.log", *apt, "update")
    fetch = [*apt, "source", "--download-only", name]
    folder = BUILD / "apt" / "source"
    title = "MicroPython" if name == "micropython" else name
    run(f"{title} source, download", LOGS / f"{name}-fetch.log", *fetch, cwd=folder)
    (archive,) = folder.glob(f"{name}_*.orig.tar.*z*")
    return archive


def _fetch_packages(mirror: str, suite: str, *names: str) -> Path:
    """Fetch architecture-independent binary packages; return their folder."""
    apt = _apt("packages", f"deb [signed-by={DEBIAN_KEYRING}] {mirror} {suite} main\n")
    run(f"Debian {suite}, package index", LOGS / "packages-index.log", *apt, "update")
    folder = BUILD / "apt" / "packages"
    fetch = [*apt, "download", *names]
    run("Pico SDK and TinyUSB, download", LOGS / "packages-fetch.log", *fetch, cwd=folder)
    return folder


def _apt(purpose: str, sources_line: str) -> list[str | Path]:
    """Return apt-get with one source, and with its own state and lists."""
    folder = BUILD / "apt" / purpose
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(sources_line)
    return [
        "apt-get",
        f"-oDir::Etc::SourceList={sources}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State={folder / 'state'}",
        "-oDir::State::status=/dev/null",
        f"-oDir::Cache={folder / 'cache'}",
        # As root, apt would fetch as a user who cannot write into this checkout.
        "-oAPT::Sandbox::User=root",
        # A missing or unverified index is otherwise only a warning.
        "-oAPT::Update::Error-Mode=any",
    ]


def _machine_mirrors() -> list[str]:
    """Return the mirrors of the machine's own Debian release, as apt itself reads its settings."""
    command = ["apt-get", "indextargets", "--no-release-info", "--format"]
    command += ["$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return mirrors(listing, _os_release("ID"), _os_release("VERSION_CODENAME"))


def mirrors(listing: str, distribution: str, codename: str) -> list[str]:
    """Return the main archive's mirrors from lines of `URI release component`.

    Security and backports are other archives, without a counterpart in another suite. The mirrors
    of another distribution than Debian are not Debian's.
    """
    if distribution != "debian":
        return []
    rows = [line.split() for line in listing.splitlines()]
    suites = (codename, SUITE, "stable", "testing", "unstable", "sid")
    return [
        uri.rstrip("/") for uri, suite, component in rows if suite in suites and component == "main"
    ]


def _os_release(key: str) -> str:
    try:
        return platform.freedesktop_os_release().get(key, "")
    except OSError:
        return ""


def _put_in_place(out: Path, make: Callable[[Path], object]) -> None:
    """Let `make` create a file beside `out`, then rename it, so that `out` is always whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        make(new)
        new.replace(out)
    finally:
        new.unlink(missing_ok=True)


def _source_for_rp2(tree: Path, suite: str) -> None:
    source(tree, suite)
    rp2_libraries(tree, suite)


def _print_found() -> None:
    found = find(os.environ, BUILD / "micropython")
    if found is None:
        raise SetupError("No MicroPython yet: make setup builds one.")
    print(found)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("find", help="print the binary that would be used")
    commands.add_parser("unix", help="make OUT a working binary").add_argument("out", type=Path)
    unpack = commands.add_parser("source", help="unpack the source")
    rp2 = commands.add_parser("rp2", help="unpack the source with the rp2 port's libraries")
    for command in (unpack, rp2):
        command.add_argument("tree", type=Path)
        command.add_argument("--suite", default=SUITE, help=f"Debian release (default: {SUITE})")
    args = parser.parse_args(argv)
    if args.command == "find":
        return exit_code(_print_found)
    if args.command == "unix":
        return exit_code(lambda: unix(args.out.absolute(), os.environ))
    if args.command == "rp2":
        return exit_code(lambda: _source_for_rp2(args.tree.absolute(), args.suite))
    return exit_code(lambda: source(args.tree.absolute(), args.suite))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
