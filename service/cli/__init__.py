"""The command line: a client of the REST API, and the stack in the background."""
