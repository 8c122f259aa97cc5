"""A real PostgreSQL and a real Valkey, started from wheels. Standard library and psycopg only."""
