"""Plan migrations, prove them on a shadow server, and judge them."""
