"""The probes of the dimension robustness."""
