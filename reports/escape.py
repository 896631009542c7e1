"""Make hostile text harmless: one escape for each kind of output."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata

# A zero-width joiner belongs to the writing of many scripts and to emoji, so it counts as hidden only
# where what stands before it could not want it.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but tab and newline
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # zero width, bidirectional, separators
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufdd0-\ufdef\ud800-\udfff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # among them tags and selectors
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(17))
    + "]|(?<![^\x00-\u02ff\u2000-\u206f])[\u200c\u200d]"
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|~$&!]")
_MARKDOWN_AS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKDOWN_LINK = re.compile(r"://|(?<=www)\.|@", re.IGNORECASE)
_MARKDOWN_START = re.compile(r"^(\s*)([-+#=]|\d+[.)](?=\s|$))")
_RICH_TAG = re.compile(r"(\\*)(\[[a-zA-Z#/@][^\[]*?\])", re.DOTALL)
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20|%"
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{at}" for port in ("com", "lpt") for at in range(10))}


def visible(text: str) -> str:
    """The text with each character that hides, reorders or controls written as «U+202E»; line ends are \\n.

    What comes out can be encoded as UTF-8 and holds no character that XML 1.0 forbids. It is the first step
    of every escape below; the page's own autoescape does the rest for HTML.
    """
    return _HIDDEN.sub(lambda found: f"«U+{ord(found[0]):04X}»", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`visible`, on one line, for terminal cells and wherever a line end would forge an entry."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def terminal(text: str) -> str:
    """For a terminal: no control code is left but newline and tab."""
    return visible(text)


def rich_markup(text: str) -> str:
    """For a string that rich reads as markup: every tag is literal. Print it with `emoji=False`."""
    escaped = _RICH_TAG.sub(lambda found: f"{found[1] * 2}\\{found[2]}", visible(text))
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    # A backslash at the end would escape the tag that the caller closes with.
    return escaped + "\\" * trailing


def log_line(text: str) -> str:
    """For one line of a log."""
    return one_line(text)


def xml(text: str) -> str:
    """For a text node or attribute that a serialiser then quotes: only characters that XML 1.0 allows."""
    return visible(text)


def markdown(text: str) -> str:
    """For one line of Markdown, in a table cell too: no markup, link, bare address or HTML arises from it."""
    flat = " ".join(visible(text).split())
    flat = _MARKDOWN.sub(lambda found: _MARKDOWN_AS.get(found[0], f"\\{found[0]}"), flat)
    flat = _MARKDOWN_LINK.sub(lambda found: "".join(f"&#{ord(found[0][0])};") + found[0][1:], flat)
    return _MARKDOWN_START.sub(lambda found: found[1] + "".join(f"&#{ord(one)};" for one in found[2]), flat)


def markdown_code(text: str) -> str:
    """For a name in Markdown: code where that is safe in every place, else as `markdown` has it."""
    flat = " ".join(visible(text).split())
    return f"`{flat}`" if flat and not re.search(r"[`|\\{}$<>&]", flat) else markdown(text)


def csv_cell(text: str) -> str:
    """For a CSV cell that a spreadsheet opens: what it would take for a formula begins with an apostrophe."""
    flat = one_line(text)
    start = flat.lstrip(" '\"\u00a0\u3000")[:1]
    return f"'{flat}" if start and start in _FORMULA and not _is_number(flat) else flat


def file_name(text: str, most: int = 80) -> str:
    """A file name that every system takes: ASCII letters, digits, `.`, `-`, `_`; never hidden or empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)
    safe = re.sub(r"\.{2,}", ".", safe).strip("-.")[:most].strip("-.")
    if not safe or safe.split(".")[0].lower() in _RESERVED:
        safe = f"x-{safe}".rstrip("-")
    return safe


def anchor(text: str) -> str:
    """A fragment name for a link within a page; a plain name stays, any other gets a digest of its own."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:80]
    return safe if safe == text else f"{safe}-{hashlib.sha256(visible(text).encode()).hexdigest()[:8]}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
