"""Make the SSL context of a connection where the driver's own does not support its parameters."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigurationError

#: The value of sslrootcert for the certificates that the operating system trusts.
SYSTEM = "system"
#: The directory in the home where libpq looks for certificates by default.
LIBPQ_DIRECTORY = ".postgresql"
#: The ALPN protocol of PostgreSQL.
ALPN = ["postgresql"]


def needs_own_context(words: Mapping[str, str]) -> bool:
    """Return whether the driver cannot make the context from the parameters."""
    return words.get("sslrootcert") == SYSTEM or "sslcrldir" in words


class NamedContext(ssl.SSLContext):
    """A context that verifies the host's name where the connection uses its address."""

    names: Mapping[str | bytes | None, str]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.names.get(server_hostname, server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def context_of(words: Mapping[str, str], names: Mapping[str | bytes | None, str]) -> ssl.SSLContext:
    """Return the context for sslmode=require, verify-ca or verify-full.

    names: by address, the host name that the certificate must have.

    Raises ConfigurationError for a certificate, key or version that cannot be used.
    """
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.names = names
    context.check_hostname = words["sslmode"] == "verify-full"
    try:
        load_trusted_certificates(context, words)
        load_client_certificate(context, words)
        for word, name in (
            ("ssl_min_protocol_version", "minimum_version"),
            ("ssl_max_protocol_version", "maximum_version"),
        ):
            default = "TLSv1.2" if name == "minimum_version" else "MAXIMUM_SUPPORTED"
            version = words.get(word, default).replace(".", "_")
            setattr(context, name, ssl.TLSVersion[version])
    except KeyError:
        raise ConfigurationError("the TLS version must be TLSv1.2 or TLSv1.3") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"a certificate or key cannot be used: {error}") from None
    if ssl.HAS_ALPN:
        context.set_alpn_protocols(ALPN)
    return context


def load_trusted_certificates(context: ssl.SSLContext, words: Mapping[str, str]) -> None:
    """Load the trusted certificates and revocation lists that the parameters name."""
    root = words.get("sslrootcert") or default_file("root.crt")
    if root == SYSTEM:
        context.load_default_certs()
    elif root:
        context.load_verify_locations(cafile=root)
    elif words["sslmode"] == "require":
        context.verify_mode = ssl.CERT_NONE
    else:
        raise ConfigurationError(
            f"sslmode={words['sslmode']} needs the certificates to trust: give sslrootcert, or "
            f"sslrootcert=system"
        )
    revoked = words.get("sslcrl") or os.environ.get("PGSSLCRL") or default_file("root.crl")
    if revoked:
        context.load_verify_locations(cafile=revoked)
    if directory := words.get("sslcrldir"):
        context.load_verify_locations(capath=directory)
    if revoked or directory:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def load_client_certificate(context: ssl.SSLContext, words: Mapping[str, str]) -> None:
    """Load the client certificate, where there is one."""
    certificate = (
        words.get("sslcert") or os.environ.get("PGSSLCERT") or default_file("postgresql.crt")
    )
    key = words.get("sslkey") or os.environ.get("PGSSLKEY") or default_file("postgresql.key")
    if certificate:
        context.load_cert_chain(certificate, key, password=words.get("sslpassword", ""))


def default_file(name: str) -> str | None:
    """Return a file of libpq's directory in the home; None where it does not exist."""
    try:
        file = Path.home() / LIBPQ_DIRECTORY / name
    except RuntimeError:
        return None
    return str(file) if file.exists() else None
