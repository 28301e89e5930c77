"""Schema files, and the tables that they describe."""
