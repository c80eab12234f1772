"""The drivers: what each of the programs' database modules needs, and connections for them."""
