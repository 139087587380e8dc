"""Set TCP keepalive and TCP_USER_TIMEOUT from libpq's parameters."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

#: The socket options of each parameter; a platform has at most one of them.
SOCKET_OPTIONS = {
    "keepalives_idle": ("TCP_KEEPIDLE", "TCP_KEEPALIVE"),
    "keepalives_interval": ("TCP_KEEPINTVL",),
    "keepalives_count": ("TCP_KEEPCNT",),
    "tcp_user_timeout": ("TCP_USER_TIMEOUT",),
}
#: The word that turns keepalive on or off, and those of the options.
WORDS = ("keepalives", *SOCKET_OPTIONS)


def set_keepalive(transport: Any, numbers: Mapping[str, int]) -> None:
    """Set the parameters on the transport's socket, where it is a TCP socket.

    As in libpq, 0 means the system's default, and options that the platform lacks are skipped.
    """
    connected = None if transport is None else transport.get_extra_info("socket")
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    is_on = any(word.startswith("keepalives") for word in numbers)
    if is_on and numbers.get("keepalives", 1):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for word, names in SOCKET_OPTIONS.items():
        known = [getattr(socket, name) for name in names if hasattr(socket, name)]
        if known and numbers.get(word):
            connected.setsockopt(socket.IPPROTO_TCP, known[0], numbers[word])
