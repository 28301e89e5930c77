"""Load one upload into one table: the use case of the load function, over the ports."""
