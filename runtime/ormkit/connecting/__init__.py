"""What says where to connect and how: URLs, libpq's words, service files, TLS and keepalive."""
