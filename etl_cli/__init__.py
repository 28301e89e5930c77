"""The command line, for checkouts only: the functions' archive leaves it out."""
