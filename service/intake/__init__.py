"""The ways in: a body, a session of parts, a hub, an address."""
