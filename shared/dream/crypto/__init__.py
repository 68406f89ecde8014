"""Keys, encryption and signatures. Nothing here knows who calls, or what a token or a message means."""
