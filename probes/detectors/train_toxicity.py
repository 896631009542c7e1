"""Train the shipped toxicity detector: `python -m slm_audit.probes.detectors.train_toxicity --data ... `.

Single words, hashed. Each tweet counts twice, once as toxic and once as not, by the share of annotators who said
so; published prose counts as not toxic. Words are scaled before the logistic regression by their log-odds (Wang
and Manning 2012, NB-SVM), the smaller of two: toxic against other tweets, and toxic tweets against prose. So a
word must be commoner in toxic tweets than in both to count for much, and the style of tweets alone does not.
Names of groups of people never count towards toxicity (Dixon et al. 2018 on why).
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from ..estimates.card import Share
from .linear import FILE, Weights, word_counts
from .report_card import share, write
from .toxicity_card import card_for
from .toxicity_texts import Tweet, neutral_prose, tweets

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SEED = 7
HELD_OUT = 0.2
SMOOTHING = 0.3
LEAST_TWEETS = 3
NEUTRAL_TWEET_WEIGHT = 3.0
PENALTY = 1.0
SPECIFICITY = 0.995
GROUPS = (
    "white whites black blacks brown gay gays lesbian lesbians bisexual trans transgender queer homosexual heterosexual"
    " straight muslim muslims islam islamic jew jews jewish christian christians catholic catholics protestant buddhist"
    " hindu sikh atheist asian asians african africans american americans mexican mexicans chinese japanese korean arab"
    " arabs indian indians european europeans latino latina hispanic irish russian german french spanish canadian"
    " immigrant immigrants refugee refugees old older elderly young younger teenage blind deaf disabled female females"
    " male males woman women man men girl girls boy boys lady ladies guy guys africa america mexico china japan"
)
"""Names of groups that are no slurs; what tweets say about them shall not make the names toxic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What training gave: the weights, and per held-out source of prose the share acquitted, with its interval."""

    weights: Weights
    acquitted: dict[str, Share]
    tweets: dict[str, Share]


def train(data: Path, benchmarks: Path, seed: int = SEED) -> Training:
    """Fit on four fifths of the tweets; set the threshold on prose that was not trained on."""
    labelled = tweets(data)
    held = numpy.random.default_rng(seed).random(len(labelled)) < HELD_OUT
    kept = [tweet for tweet, out in zip(labelled, held, strict=True) if not out]
    fitted = _fit(kept, _all(neutral_prose(benchmarks, False)))
    prose = neutral_prose(benchmarks, True)
    threshold = _threshold(fitted.sums(_all(prose)))
    weights = Weights(buckets=fitted.buckets, weights=fitted.weights, threshold=threshold)
    rest = [tweet for tweet, out in zip(labelled, held, strict=True) if out]
    return Training(
        weights=weights,
        acquitted={name: _acquitted(weights, texts) for name, texts in {**prose, "all prose": _all(prose)}.items()},
        tweets={
            "toxic tweets found": _found(weights, [tweet.text for tweet in rest if tweet.label < 2]),
            "other tweets acquitted": _acquitted(weights, [tweet.text for tweet in rest if tweet.label == 2]),
        },
    )


def _all(prose: dict[str, list[str]]) -> list[str]:
    return [text for texts in prose.values() for text in texts]


def _fit(labelled: Sequence[Tweet], prose: Sequence[str]) -> Weights:
    from scipy.sparse import diags, vstack
    from sklearn.linear_model import LogisticRegression

    tweeted, written = word_counts([tweet.text for tweet in labelled]), word_counts(prose)
    toxic = numpy.array([tweet.toxic_share for tweet in labelled])
    scale = _scale(tweeted, written, toxic)
    rows = vstack([tweeted, tweeted, written]).tocsr() @ diags(scale)
    labels = numpy.repeat([1, 0, 0], [len(toxic), len(toxic), len(prose)])
    votes = numpy.concatenate([toxic, NEUTRAL_TWEET_WEIGHT * (1 - toxic), numpy.ones(len(prose))])
    model = LogisticRegression(C=PENALTY, solver="liblinear", max_iter=300, random_state=0)
    model.fit(rows[votes > 0], labels[votes > 0], sample_weight=votes[votes > 0])
    weights = numpy.round(model.coef_.ravel() * scale, 3)
    used = numpy.flatnonzero(weights)
    return Weights(buckets=used.astype("<i4"), weights=weights[used].astype("<f4"), threshold=0.0)


def _scale(tweeted: csr_matrix, written: csr_matrix, toxic: numpy.ndarray) -> numpy.ndarray:
    """The log-odds of each bucket's words, the one nearer to 0 of the two contrasts, and 0 where they disagree."""
    insulting, other = tweeted.T @ toxic, tweeted.T @ (1 - toxic)
    plain = numpy.asarray(written.sum(axis=0)).ravel()
    n_toxic, n_other, n_prose = toxic.sum(), (1 - toxic).sum(), written.shape[0]
    among_tweets = numpy.log((insulting + SMOOTHING * n_toxic / n_other) / n_toxic)
    among_tweets -= numpy.log((other + SMOOTHING) / n_other)
    against_prose = numpy.log((insulting + SMOOTHING) / n_toxic) - numpy.log((plain + SMOOTHING) / n_prose)
    agree = among_tweets * against_prose > 0
    nearer = numpy.sign(among_tweets) * numpy.minimum(abs(among_tweets), abs(against_prose))
    scale = numpy.where(agree & (insulting + other >= LEAST_TWEETS), nearer, 0.0)
    named = word_counts([GROUPS]).indices
    scale[named] = numpy.minimum(scale[named], 0.0)
    return scale


def _threshold(sums: numpy.ndarray) -> float:
    """The lowest threshold, in steps of 0.001, at which even the lower bound of specificity is SPECIFICITY."""
    rising = numpy.sort(sums)
    for threshold in numpy.unique(numpy.round(rising[int(SPECIFICITY * len(rising)) :], 3) + 0.001):
        if _share_of(sums < threshold).low >= SPECIFICITY:
            return float(round(threshold, 3))
    raise ValueError("no threshold acquits enough of the neutral prose")


def _share_of(hits: numpy.ndarray) -> Share:
    """The share of pieces taken as independent, for which document a piece is from is not always known."""
    return share([bool(hit) for hit in hits], [str(at) for at in range(len(hits))])


def _found(weights: Weights, texts: Sequence[str]) -> Share:
    return _share_of(weights.sums(texts) >= weights.threshold)


def _acquitted(weights: Weights, texts: Sequence[str]) -> Share:
    return _share_of(weights.sums(texts) < weights.threshold)


def archive(weights: Weights) -> bytes:
    """The weights as the bytes of a compressed .npz; the same weights give the same bytes."""
    held = io.BytesIO()
    numpy.savez_compressed(
        held, buckets=weights.buckets, weights=weights.weights, threshold=numpy.float64(weights.threshold)
    )
    return held.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure, and write the weights and the card beside this file or into --out."""
    parser = argparse.ArgumentParser(description="Train the shipped toxicity detector and measure its card.")
    parser.add_argument("--data", type=Path, required=True, help="folder hate_davidson; its siblings give the prose")
    parser.add_argument("--card-data", type=Path, required=True, help="bias_madlibs_77k.csv, for the card's notes")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="where the two files are written")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses the held-out tweets")
    chosen = parser.parse_args(arguments)
    trained = train(chosen.data, chosen.data.parent, chosen.seed)
    (chosen.out / FILE).write_bytes(archive(trained.weights))
    card = card_for(trained.weights, trained.acquitted, trained.tweets, chosen.data.parent, chosen.card_data)
    write(card, chosen.out / FILE.replace(".npz", ".card.json"))
    print(f"{trained.weights.identity()}: sensitivity {card.sensitivity}, specificity {card.specificity}")


if __name__ == "__main__":
    main()
