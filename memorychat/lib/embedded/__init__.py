"""The database engine of DATABASES for the embedded PostgreSQL."""
