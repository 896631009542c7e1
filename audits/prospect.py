"""What a run would ask, decide and cost, before anything of it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..probes.contract import Model, NotMeasured, Observation
from ..reports.policy import Limit
from .asking import Progress
from .bench import opener
from .errors import UserError
from .forecast import LEAST_SPREAD, Cost, Forecast, weigh_writing
from .memory import seconds_again
from .plan import Plan
from .power import Need, Shown, need
from .sampling import Sample, Spent, sampled
from .seen import Seen
from .selection import Selected, known_metrics, most_clusters
from .stopping import no_mean
from .yaml_file import nearest


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What one probe would ask and decide; `reason` says why it cannot be asked, and then there is no forecast."""

    selected: Selected
    needs: tuple[Need, ...]
    forecast: Forecast | None = None
    reason: str = ""

    @property
    def clusters(self) -> int:
        """The clusters that there are to ask."""
        return len(self.forecast.sample.order) if self.forecast else 0

    def cost(self, clusters: int | None = None) -> Cost:
        """What so many clusters take, or all of them."""
        if self.forecast is None:
            return Cost()
        return self.forecast.of(self.clusters if clusters is None else clusters)


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What a run would come to.

    `start` is what it takes until the first reply, and to load the model again where a probe measures that; `writing`
    what its outputs take, `looking` what it took to find this out, and `repeats` how often every probe is asked.
    """

    outlooks: tuple[Outlook, ...]
    start: Spent
    writing: Spent
    looking: Spent
    repeats: int

    def total(self, clusters: Mapping[str, int] | None = None) -> Cost:
        """What all takes, with so many clusters of each probe, or all."""
        costs = [one.cost(clusters.get(one.selected.name, 0) if clusters else None) for one in self.outlooks]
        whole = sum(one.clusters for one in self.outlooks)
        share = sum(one.clusters for one in costs) / whole if whole else 0.0
        spent = self.start + self.writing * share
        for one in costs:
            spent += one.spent * self.repeats
        return Cost(
            clusters=sum(one.clusters for one in costs),
            items=sum(one.items for one in costs),
            spent=spent,
            spread=_spread(costs),
            requests=sum(one.requests for one in costs) * self.repeats,
            tokens=sum(one.tokens for one in costs) * self.repeats,
        )


def foresee(
    plan: Plan,
    model: Model,
    progress: Progress,
    *,
    start: Spent | None = None,
    guesses: Mapping[str, float] | None = None,
    pilot: Mapping[str, Seen] | None = None,
) -> Prospect:
    """Ask a handful of each probe's clusters and say what the whole would take and decide; nothing is kept of it.

    `start` is what it takes to start and to load the model. `guesses` are true values by metric; a metric without one
    is guessed at half of its limit, or taken from the `pilot`, what the probes of an earlier run saw.
    """
    begun = Spent.until_now()
    guesses, pilot = guesses or {}, pilot or {}
    open_one, seed = opener(plan.spec, plan.base), plan.spec.audit.seed
    outlooks: list[Outlook] = []
    samples: list[Sample] = []
    for one in plan.selected:
        progress.probe_begins(one.name, one.question, 0)
        limits = [limit for limit in plan.policy.limits if limit.metric.rsplit(".", 1)[0] == one.name]
        try:
            sample = sampled(one, model, open_one, seed=seed, most_clusters=most_clusters(plan.spec))
            forecast = Forecast(sample, plan.policy.confidence)
        except Exception as error:  # as in a run, what goes wrong in a probe is its own affair
            said = str(error) if isinstance(error, NotMeasured) else f"{type(error).__name__}: {error}"
            outlooks.append(Outlook(selected=one, needs=tuple(_unmet(each, said) for each in limits), reason=said))
            continue
        samples.append(sample)
        own = pilot.get(one.name)
        alike = own is not None and own.run.version == one.probe.version
        needs = _needs(plan, one, limits, sample, guesses, own.observations if own and alike else ())
        outlooks.append(Outlook(selected=one, needs=needs, forecast=forecast))
    writing = weigh_writing(samples)
    again = seconds_again(model) if any(one.model.measured for one in samples) else 0.0
    return Prospect(
        outlooks=tuple(outlooks),
        start=(start or Spent()) + Spent(cpu=again, clock=again),
        writing=writing,
        looking=Spent.until_now() - begun,
        repeats=plan.spec.audit.repeat,
    )


def _needs(
    plan: Plan,
    selected: Selected,
    limits: Sequence[Limit],
    sample: Sample,
    guesses: Mapping[str, float],
    piloted: Sequence[Observation],
) -> tuple[Need, ...]:
    level, probe = plan.policy.confidence, selected.probe
    shown = Shown.of(probe, sample.seen, level)
    known = Shown.of(probe, piloted, level) if piloted else {}
    floors = [one for one in plan.policy.floors if one.metric.rsplit(".", 1)[0] == selected.name]
    local = {name.rsplit(".", 1)[1] for name in (*(one.metric for one in limits), *(one.metric for one in floors))}
    sequential = plan.spec.audit.early_stop and not any(
        name not in shown or no_mean(shown[name].estimate, shown[name].parts) for name in local
    )
    found = []
    for limit in limits:
        name = limit.metric.rsplit(".", 1)[1]
        from_pilot = name in known and limit.metric not in guesses
        own = known.get(name) if from_pilot else shown.get(name)
        if own is None:
            reason = "the handful of answers holds no term of it, so nothing can be drawn; give a --pilot"
            found.append(_unmet(limit, reason, available=len(sample.order)))
            continue
        guess = None if from_pilot else guesses.get(limit.metric, _halfway(limit, own))
        source = (
            "the pilot" if from_pilot else "your guess" if limit.metric in guesses else _SOURCE[limit.at_most is None]
        )
        found.append(
            need(
                limit,
                own,
                guess=guess,
                source=source,
                available=len(sample.order),
                level=level,
                sequential=sequential,
            )
        )
    return tuple(found)


_SOURCE = {False: "half of the limit", True: "halfway from the limit to the best"}


def _halfway(limit: Limit, shown: Shown) -> float:
    if limit.at_most is not None:
        return limit.at_most / 2
    assert limit.at_least is not None
    return (limit.at_least + shown.estimate.range[1]) / 2


def _unmet(limit: Limit, reason: str, *, available: int = 0) -> Need:
    return Need(
        metric=limit.metric,
        limit=str(limit),
        truth=None,
        source="",
        clusters=None,
        available=available,
        reason=reason,
    )


def check_guesses(plan: Plan, guesses: Mapping[str, float]) -> None:
    """UserError for a guess of a metric that the policy sets no limit on, or outside the metric's range."""
    known = known_metrics(plan.policy, [type(one.probe) for one in plan.selected])
    limited = [one.metric for one in plan.policy.limits]
    for name, value in guesses.items():
        if name not in limited:
            raise UserError(f"--guess {name}: the policy sets no limit on it{nearest(name, limited)}")
        low, high = known[name].range
        if not low <= value <= high:
            raise UserError(f"--guess {name}={value:g}: the metric lies between {low:g} and {high:g}")


def _spread(costs: Sequence[Cost]) -> float:
    weights = [(one.spent.cpu, one.spread) for one in costs if one.spent.cpu > 0]
    whole = sum(weight for weight, _ in weights)
    return sum(weight * spread for weight, spread in weights) / whole if whole else LEAST_SPREAD
