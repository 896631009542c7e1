"""Show what was found: the record and its outputs. Nothing here decides."""
