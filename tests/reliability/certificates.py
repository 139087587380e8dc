"""A certificate authority of a test's own, made with the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(directory: Path, *arguments: str) -> None:
    """Run openssl in the directory."""
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def make_authority(directory: Path, name: str) -> None:
    """Make NAME.crt and NAME.key of an authority that signs certificates."""
    subject = ("-subj", f"/CN={name}", "-days", "2")
    openssl(
        directory, "req", "-x509", *KEY, *subject, "-out", f"{name}.crt", "-keyout", f"{name}.key"
    )


def make_certificate(directory: Path, authority: str, name: str, host: str) -> None:
    """Make NAME.crt and NAME.key for a host, signed by the authority."""
    openssl(
        directory,
        "req",
        *KEY,
        "-subj",
        f"/CN={host}",
        "-out",
        f"{name}.csr",
        "-keyout",
        f"{name}.key",
    )
    (directory / "names").write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")
    signing = ("-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial")
    files = ("-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", "names", "-days", "2")
    openssl(directory, "x509", "-req", *signing, *files)
