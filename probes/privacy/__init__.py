"""The probes of the dimension privacy."""
