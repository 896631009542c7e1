"""The probes of the dimension fairness."""
