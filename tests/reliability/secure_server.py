"""A server that is reached over TCP: by TLS, by client certificates, with passwords, by IPv6."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.reliability.certificates import make_authority, make_certificate
from tests.servers import ContribServer, contrib_binaries

PASSWORD = "s3cret-Pa55"
#: `ada` has a password, `grace` a certificate, `edsger` a password without TLS.
RULES = """
local all all trust
hostssl all ada samehost scram-sha-256
hostssl all grace samehost cert
hostssl all edsger samehost reject
hostnossl all edsger samehost scram-sha-256
hostssl all all samehost trust
"""


class SecureServer:
    """Where it listens, and the certificates for it."""

    def __init__(self, port: int, certificates: Path, addresses: list[str]) -> None:
        self.port = port
        self.certificates = certificates
        self.addresses = addresses

    def url(
        self, mode: str, host: str = "localhost", authority: str = "", user: str = "postgres"
    ) -> str:
        """Return a URL for the server with this sslmode, and this authority to check it with."""
        root = f"&sslrootcert={self.certificates / authority}.crt" if authority else ""
        return f"postgresql://{user}@{host}:{self.port}/postgres?sslmode={mode}{root}"

    def certified(self, user: str) -> str:
        """Return a URL for the user, with the certificate of that name."""
        files = f"&sslcert={self.certificates / user}.crt&sslkey={self.certificates / user}.key"
        return self.url("verify-full", authority="right", user=user) + files


@contextmanager
def secure_server(directory: Path) -> Iterator[SecureServer]:
    """Yield a server whose files are in the directory."""
    binaries = contrib_binaries()
    if binaries is None or shutil.which("openssl") is None:
        pytest.skip("neither PostgreSQL with TLS nor openssl is installed")
    certificates = directory / "certificates"
    certificates.mkdir()
    make_authority(certificates, "right")
    make_authority(certificates, "wrong")
    make_certificate(certificates, "right", "server", "localhost")
    make_certificate(certificates, "right", "grace", "grace")
    make_certificate(certificates, "wrong", "mallory", "grace")
    (certificates / "pg_hba.conf").write_text(RULES, encoding="utf-8")
    (certificates / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        for file in (certificates, *certificates.iterdir()):
            shutil.chown(file, "postgres")
    port, addresses = local_port()
    settings = {
        "listen_addresses": ",".join(addresses),
        "port": str(port),
        "ssl": "on",
        "ssl_cert_file": str(certificates / "server.crt"),
        "ssl_key_file": str(certificates / "server.key"),
        "ssl_ca_file": str(certificates / "right.crt"),
        "hba_file": str(certificates / "pg_hba.conf"),
    }
    server = ContribServer(binaries, directory / "secure", settings)
    server.url += f"&port={port}"
    with server:
        for user in ("ada", "edsger"):
            server.run_script(server.url, f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
            server.run_script(server.url, f"GRANT CREATE ON SCHEMA public TO {user}")
        server.run_script(server.url, "CREATE ROLE grace LOGIN")
        yield SecureServer(port, certificates, addresses)


def local_port() -> tuple[int, list[str]]:
    """Return a free port, and the machine's own addresses where it is free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    addresses = ["127.0.0.1"]
    with suppress(OSError), socket.create_server(("::1", port), family=socket.AF_INET6):
        addresses.append("::1")
    return port, addresses
