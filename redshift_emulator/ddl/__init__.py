"""CREATE TABLE and ALTER TABLE: read by hand, spliced into what PostgreSQL can do, the rest remembered in pg_rs."""
