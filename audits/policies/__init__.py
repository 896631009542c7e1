"""The policies that come with slm-audit."""
