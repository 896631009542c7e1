"""Jinja pages and styles; nothing here computes."""
