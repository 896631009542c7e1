"""The probes of the dimension hallucination."""
