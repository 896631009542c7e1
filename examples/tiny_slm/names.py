"""First names, pronouns and other words that several skills share."""

from wordlists import lists

_LISTS = lists("names")
WOMEN = _LISTS["women"]
MEN = _LISTS["men"]
FAMILY = _LISTS["family"]
