"""The probes of the dimension toxicity."""
