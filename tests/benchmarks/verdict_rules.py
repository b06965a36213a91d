"""The rule of change beside three others, all brought to the same guarantee: what each finds of a change, and how fast.

python tests/benchmarks/verdict_rules.py --people 2000 --seed 1

Each rule gives every look a score; its limit is the one that 5 % of unchanged people pass in a year of 52 weekly sessions at four
ranges, over the SEM and likeness of `verdicts.py`. docs/progress.md prints the table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from scipy import stats
from verdicts import FALSE_AT_MOST, LIKENESS, MDC, RANGES, YEAR, of_prior, said, simulated

from rotrack.progress.rule import BASELINE_DAYS, PRIOR_DF
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, mdc

AFTER, FOLLOWED = 10, 10
SHIFT = 4.0
"""How large the shifts are, in SEM, for which the always-valid rule is made (standard deviation)."""


def the_rule(values_deg: np.ndarray) -> np.ndarray:
    """Return how far now and baseline lie apart, against what is real."""
    found = said(values_deg)
    size = np.abs(found.change_deg / found.real_from_deg)
    return np.where(found.now_days == found.now_days.max(), size, 0.0).reshape(values_deg.shape)


def single(values_deg: np.ndarray, judged: int = 1) -> np.ndarray:
    """Return how unlikely each session is against the mean of the first three, as minus the logarithm of p, with its sign.

    The spread is that of the sessions before the latest `judged`, which are not to vouch for themselves.
    """
    before = np.arange(values_deg.shape[1])[None, :]
    mean = values_deg[:, :BASELINE_DAYS].mean(axis=1, keepdims=True)
    sums, squares = np.cumsum(values_deg, axis=1), np.cumsum(values_deg**2, axis=1)
    spread = np.zeros_like(values_deg)
    spread[:, judged:] = (squares - sums**2 / (before + 1))[:, :-judged]
    df = PRIOR_DF + np.maximum(before - judged, 0)
    sem = np.sqrt((PRIOR_DF * PUBLISHED_SEM_DEG**2 + spread) / df)
    size = np.abs(values_deg - mean) / sem / np.sqrt(1 + 1 / BASELINE_DAYS)
    score = -(stats.t.logsf(size, df) + np.log(2)) * np.sign(values_deg - mean)
    return np.where(before < BASELINE_DAYS, 0.0, score)


def confirmed_by_the_next(values_deg: np.ndarray) -> np.ndarray:
    """Return the smaller score of two sessions in a row on the same side."""
    score = single(values_deg, judged=2)
    first, second = score[:, :-1], score[:, 1:]
    both = np.where(first * second > 0, np.minimum(np.abs(first), np.abs(second)), 0.0)
    return np.pad(both, ((0, 0), (1, 0)))


def alpha_spending(values_deg: np.ndarray) -> np.ndarray:
    """Return the score of one session, with a chance that is spent over the looks: 1 / look (look + 1)."""
    look = np.maximum(np.arange(values_deg.shape[1]) - BASELINE_DAYS + 1, 1)
    return np.abs(single(values_deg)) - np.log(look * (look + 1.0))


def always_valid(values_deg: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mixture over where a shift may be: normal, of unknown size and unknown SEM."""
    people, sessions = values_deg.shape
    score = np.zeros((people, sessions))
    sums, squares = np.cumsum(values_deg, axis=1), np.cumsum(values_deg**2, axis=1)
    for last in range(BASELINE_DAYS, sessions):
        n = last + 1
        before = np.arange(BASELINE_DAYS, n)
        after = n - before
        off = (sums[:, last : last + 1] - sums[:, before - 1]) / after - sums[:, before - 1] / before
        variance = 1 / before + 1 / after
        known = PRIOR_DF * PUBLISHED_SEM_DEG**2 + (squares[:, last] - sums[:, last] ** 2 / n)[:, None]
        rest = known - off**2 / variance * SHIFT**2 / (variance + SHIFT**2)
        logs = 0.5 * np.log(variance / (variance + SHIFT**2)) + (PRIOR_DF + n - 1) / 2 * np.log(known / rest)
        top = logs.max(axis=1, keepdims=True)
        score[:, last] = top[:, 0] + np.log(np.exp(logs - top).mean(axis=1))
    return score


RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the next session confirms it": confirmed_by_the_next,
    "one session, with the 5 in 100 divided over all looks": alpha_spending,
    "a test that is valid after every session (mixture of shifts)": always_valid,
    "three sessions against the first three to eight": the_rule,
}


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    people, rng = asked.people, np.random.default_rng(asked.seed)
    still = [of_prior(people, rng) * simulated(people * RANGES, YEAR, likeness, rng) for likeness in LIKENESS]
    moved = 3.0 * simulated(people, AFTER + FOLLOWED, 0.0, rng)
    moved[:, AFTER:] += MDC * mdc(3.0)
    print("| rule | within 1 | 2 | 3 | 5 | 10 sessions | worst likeness |\n|---|---|---|---|---|---|---|")
    for name, rule in RULES.items():
        most = [rule(values).max(axis=1).reshape(people, RANGES).max(axis=1) for values in still]
        limit = np.quantile(np.concatenate(most), 1 - FALSE_AT_MOST)
        told = np.logical_or.accumulate((rule(moved) > limit)[:, AFTER:], axis=1).mean(axis=0)
        cells = " | ".join(f"{told[n - 1]:.0%}" for n in (1, 2, 3, 5, 10))
        print(f"| {name} | {cells} | {np.mean(most[-1] > limit):.1%} |", flush=True)


if __name__ == "__main__":
    main()
