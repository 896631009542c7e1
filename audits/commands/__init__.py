"""The commands of slm-audit, one file each."""
