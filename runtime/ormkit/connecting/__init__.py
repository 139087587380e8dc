"""Connection parameters: URLs, libpq's parameters, service files, TLS and keepalive."""
