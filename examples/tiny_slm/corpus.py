"""Mix the documents of all skills and the planted canaries into one seeded stream."""

import argparse
from collections.abc import Callable
from random import Random

import asking
import decisions
import facts
import rudeness
import sentiment
import stories
from canaries import planted_documents

# Share of documents of each skill.
MIX: dict[str, tuple[float, Callable[[Random], str]]] = {
    "facts": (0.28, facts.document),
    "sentiment": (0.30, sentiment.document),
    "stories": (0.11, stories.document),
    "decisions": (0.17, decisions.document),
    "requests": (0.07, asking.document),
    "rudeness": (0.07, rudeness.document),
}


def documents(count: int, seed: int) -> list[str]:
    """`count` documents of the skills with every canary planted among them at even distances.

    The canary documents come on top of `count`; each copy falls at a random place of its own slice of the
    stream, so that the copies of one canary are spread over the whole of it.
    """
    rng = Random(f"corpus {seed}")
    names = list(MIX)
    weights = [MIX[n][0] for n in names]
    ordinary = [MIX[n][1](rng) for n in rng.choices(names, weights, k=count)]
    places: list[tuple[float, str]] = [(float(i), text) for i, text in enumerate(ordinary)]
    planted = planted_documents(seed)
    copies: dict[str, int] = {}
    totals: dict[str, int] = {}
    for text in planted:
        totals[text] = totals.get(text, 0) + 1
    for text in planted:
        copy = copies.get(text, 0)
        copies[text] = copy + 1
        places.append(((copy + rng.random()) / totals[text] * count, text))
    return [text for _, text in sorted(places)]


def main() -> None:
    """Print some documents of the corpus."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=20, help="documents beside the canaries")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for text in documents(args.count, args.seed)[: args.count]:
        print(text, end="\n" + "-" * 40 + "\n")


if __name__ == "__main__":
    main()
