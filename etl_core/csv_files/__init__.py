"""CSV files: what a load must know of a file, and what explains why COPY refuses it. Pure."""
