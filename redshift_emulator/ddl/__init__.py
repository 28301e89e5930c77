"""CREATE TABLE and ALTER TABLE: parsed here, rewritten for PostgreSQL, and what PostgreSQL cannot
store recorded in pg_rs.
"""
