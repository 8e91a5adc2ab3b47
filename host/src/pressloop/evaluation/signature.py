"""Signs records with a key of the lab, and tells who signed one.

A signature proves what checksums cannot: that the record was not changed by a person who could make
the checksums anew. It is made by OpenSSH (`ssh-keygen -Y`, PROTOCOL.sshsig), so the key can be one
that the lab has already, also in an agent or on a hardware token, and anybody can check a signature
without Pressloop. Only `manifest.json` is signed: it has the SHA-256 of every other file.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pressloop.arguments import path_argument
from pressloop.errors import BadInputError, RecordError
from pressloop.record.columns import MANIFEST_NAME, SIGNATURE_NAME

NAMESPACE: Final = "pressloop-record"
"""What the signature is for; one made for another purpose, such as a commit, is not taken."""

_TIMEOUT_S: Final = 60.0
"""A hardware token waits for a touch; ssh-keygen that asks for more has no terminal here."""


def sign(directory: str | Path, key: str | Path) -> Path:
    """Sign the manifest of a finalised record, and return the path of the signature.

    Args:
        directory: Folder of the record.
        key: File of a private OpenSSH key, or of a public one whose private key an agent holds.

    Raises:
        RecordError: `not-finalised`, without a manifest; `record-write`, when the disk refuses.
        BadInputError: `no-ssh-keygen`, `bad-key`.
    """
    folder, key_path = path_argument(directory, "directory"), path_argument(key, "key")
    manifest = folder / MANIFEST_NAME
    if not manifest.exists():
        raise RecordError(
            f"{folder} has no {MANIFEST_NAME} to sign",
            code="not-finalised",
            hint=f"write it with `pressloop verify --repair {folder}`, then sign",
        )
    done = _ssh_keygen("-Y", "sign", "-q", "-f", key_path, "-n", NAMESPACE, stdin=manifest)
    if done.returncode != 0:
        raise BadInputError(
            f"ssh-keygen did not sign with {key_path}: {_reason(done)}",
            code="bad-key",
            hint="name a private key in OpenSSH's format; add one with a passphrase to ssh-agent",
        )
    path = folder / SIGNATURE_NAME
    try:
        path.write_bytes(done.stdout)
    except OSError as error:
        raise RecordError(
            f"cannot write {path}: {error.strerror or error}",
            code="record-write",
            hint="check the permissions of the folder and the disk",
        ) from error
    return path


def signer_of(folder: Path, signers: Path | None) -> str | None:
    """Return who signed a record: a name of the list, else the key; None without a signature.

    Args:
        folder: The record.
        signers: File with allowed signers (ssh-keygen(1), "ALLOWED SIGNERS"); None: any key.

    Raises:
        ValueError: The signature does not fit the manifest, or its key is not in the list.
        BadInputError: `no-ssh-keygen`, `no-signers`.
    """
    signature, manifest = folder / SIGNATURE_NAME, folder / MANIFEST_NAME
    if not signature.exists():
        return None
    of_signature: Sequence[str | Path] = ("-s", signature, "-n", NAMESPACE)
    checked = _ssh_keygen("-Y", "check-novalidate", *of_signature, stdin=manifest)
    if checked.returncode != 0:
        raise ValueError(f"{SIGNATURE_NAME} does not fit {MANIFEST_NAME}: {_reason(checked)}")
    if signers is None:
        return checked.stdout.decode("utf-8", "replace").strip().rpartition(" ")[2]
    if not signers.is_file():
        raise BadInputError(
            f"there is no list of signers at {signers}",
            code="no-signers",
            hint="each line of it names a person and a public key; see ssh-keygen(1)",
        )
    found = _ssh_keygen("-Y", "find-principals", "-s", signature, "-f", signers)
    names = found.stdout.decode("utf-8", "replace").split("\n")[0].strip()
    if found.returncode != 0 or not names:
        raise ValueError(f"the key that made {SIGNATURE_NAME} is not in {signers}")
    verified = _ssh_keygen(
        "-Y", "verify", "-f", signers, "-I", names, *of_signature, stdin=manifest
    )
    if verified.returncode != 0:
        raise ValueError(f"{SIGNATURE_NAME} is not valid for {names}: {_reason(verified)}")
    return names


def _ssh_keygen(
    *arguments: str | Path, stdin: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise BadInputError(
            "signatures need ssh-keygen, which is not on the PATH",
            code="no-ssh-keygen",
            hint="install OpenSSH's client (Debian: openssh-client; Windows: an optional feature)",
        )
    try:
        content = b"" if stdin is None else stdin.read_bytes()
    except OSError as error:
        raise ValueError(f"{stdin} cannot be read: {error.strerror or error}") from error
    try:
        return subprocess.run(
            [program, *map(str, arguments)],
            input=content,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([program], 1, b"", b"no answer within a minute")


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the last line that ssh-keygen printed."""
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else f"exit code {done.returncode}"
