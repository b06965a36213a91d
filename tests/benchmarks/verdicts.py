"""How often the verdicts of `rotrack progress` are right on simulated people: guarantee, power, delay and coverage.

python tests/benchmarks/verdicts.py --people 2000 --seed 1

It runs the program's own rule (`rotrack.progress.rule.looks`) on people who are measured once a week. Exits with 1 if a figure
falls short. docs/progress.md prints what it says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from rotrack.progress.rule import NOW_DAYS, ONE_LOOK, Looks, half_width, looks
from rotrack.progress.statistics import PUBLISHED_SEM_DEG, mdc

SEM_DEG = (1.5, 4.5)
"""The prior: every SEM in between is as frequent."""
LIKENESS = (0.0, 0.15, 0.3)
RANGES = 4
YEAR = 52
LOOKS = (6, 9, 13, 26, 52)
FALSE_AT_MOST, POWER_AT_LEAST, COVERAGE = 0.05, 0.80, (0.93, 0.97)
MDC = 1.5
SIDES_LOOKS, DIFFERENCES_DEG = (3, 6, 13), (6.0, 8.0, 10.0, 15.0)
FOLLOWED = 20
"""So many sessions after a change are simulated."""


def simulated(people: int, sessions: int, likeness: float, rng: np.random.Generator) -> np.ndarray:
    """Return errors of sessions with standard deviation 1, neighbours alike by so much, shape (people, sessions)."""
    fresh = rng.normal(size=(people, sessions))
    errors = fresh.copy()
    for session in range(1, sessions):
        errors[:, session] = likeness * errors[:, session - 1] + np.sqrt(1 - likeness**2) * fresh[:, session]
    return errors


def said(values_deg: np.ndarray) -> Looks:
    """Return what the rule says of people in rows and weekly sessions in columns, deg."""
    people, sessions = values_deg.shape
    start = np.repeat(sessions * np.arange(people), sessions)
    weeks = np.tile(7.0 * np.arange(sessions), people)
    return looks(weeks, values_deg.ravel(), start, np.full(values_deg.size, PUBLISHED_SEM_DEG))


def of_prior(people: int, rng: np.random.Generator) -> np.ndarray:
    """Return the SEM of people, the same at each of their ranges, deg, shape (people * RANGES, 1)."""
    return np.repeat(rng.uniform(*SEM_DEG, people), RANGES)[:, None]


def ever(found: Looks, people: int) -> np.ndarray:
    """Return who was told a real change of any range until each session, bool, shape (people, sessions)."""
    told = (found.way != 0).reshape(people, RANGES, -1).any(axis=1)
    return np.logical_or.accumulate(told, axis=1)


def covered(found: Looks, values_deg: np.ndarray) -> Iterator[np.ndarray]:
    """Yield where the intervals of unchanged people that are printed hold zero: change, trend, and left against right."""
    yield (np.abs(found.change_deg) <= found.error_deg)[np.isfinite(found.error_deg)]
    yield (np.abs(found.slope) <= found.slope_error)[np.isfinite(found.slope_error)]
    yield (np.abs(sides(values_deg)) <= sides_error(found, values_deg.shape, 0.05)).ravel()


def sides(values_deg: np.ndarray) -> np.ndarray:
    """Return left minus right of two ranges each after each session, from the latest three, shape (pairs, sessions - 2)."""
    sums = np.cumsum(np.pad(values_deg[0::2] - values_deg[1::2], ((0, 0), (1, 0))), axis=1)
    return (sums[:, NOW_DAYS:] - sums[:, :-NOW_DAYS]) / NOW_DAYS


def sides_error(found: Looks, shape: tuple[int, int], chance: float) -> np.ndarray:
    """Return how far left and right may lie apart by chance, as `progress.change` has it for one pair."""
    sem, df = (numbers.reshape(shape)[:, NOW_DAYS - 1 :] for numbers in (found.sem_deg, found.df))
    return half_width(np.hypot(sem[0::2], sem[1::2]), np.minimum(df[0::2], df[1::2]), (NOW_DAYS,), chance)


def guarantee(people: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Return how many unchanged people were ever told a real change until each session, and what the intervals covered."""
    told, held = {}, [[], [], []]
    for likeness in LIKENESS:
        values = of_prior(people, rng) * simulated(people * RANGES, YEAR, likeness, rng)
        found = said(values)
        told[f"likeness {likeness:g}"] = ever(found, people).mean(axis=0)
        for kind, inside in zip(held, covered(found, values), strict=True):
            kind.append(inside)
        clear = np.abs(sides(values)) > sides_error(found, values.shape, ONE_LOOK)
        told_sides = np.logical_or.accumulate(clear.reshape(people, RANGES // 2, -1).any(axis=1), axis=1).mean(axis=0)
        told[f"left against right, likeness {likeness:g}"] = np.pad(told_sides, (NOW_DAYS - 1, 0))
    return told, [np.concatenate(kind) for kind in held]


def corner(people: int, rng: np.random.Generator) -> np.ndarray:
    """Return the same for the worst: the largest SEM and the most alike sessions."""
    return ever(said(SEM_DEG[1] * simulated(people * RANGES, YEAR, LIKENESS[-1], rng)), people).mean(axis=0)


def power(people: int, sem_deg: float, likeness: float, after: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return who is told of a change of 1.5 MDC95 that stays, within three and ten more sessions, and the median delay."""
    values = sem_deg * simulated(people, after + FOLLOWED, likeness, rng)
    values[:, after:] += MDC * mdc(sem_deg)
    gained = (said(values).way > 0).reshape(people, -1)[:, after:]
    delay = np.where(gained.any(axis=1), gained.argmax(axis=1) + 1.0, np.inf)
    return float(np.mean(delay <= 3)), float(np.mean(delay <= 10)), float(np.median(delay))


def _delay(sessions: float) -> str:
    return f"{sessions:.0f}" if np.isfinite(sessions) else f"over {FOLLOWED}"


def steady(people: int, total_deg: float, sem_deg: float, sessions: int, rng: np.random.Generator) -> float:
    """Return who is told of growth that goes on evenly over weekly sessions, by the last of them."""
    values = sem_deg * simulated(people, sessions, 0.0, rng) + np.linspace(0, total_deg, sessions)
    return float(np.mean((said(values).way > 0).reshape(people, -1).any(axis=1)))


def sides_told(people: int, difference_deg: float, sem_deg: float, rng: np.random.Generator) -> np.ndarray:
    """Return who was ever told that the leg with more range has more, until each weekly session from the third on."""
    values = sem_deg * simulated(2 * people, SIDES_LOOKS[-1], 0.0, rng)
    values[0::2] += difference_deg
    clear = sides(values) > sides_error(said(values), values.shape, ONE_LOOK)
    return np.logical_or.accumulate(clear, axis=1).mean(axis=0)


def main() -> int:
    """Print the tables; return 1 if a figure falls short."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    people, rng = asked.people, np.random.default_rng(asked.seed)

    told, held = guarantee(people, rng)
    print("Nothing has changed, a look after every weekly session at four ranges, SEM 1.5 to 4.5 degrees (each as frequent):")
    print("\n| ever told a real change, by session | " + " | ".join(map(str, LOOKS)) + " |\n|---|" + "---|" * len(LOOKS))
    both = {"change, mean": np.mean([t for name, t in told.items() if "left" not in name], axis=0)}
    both |= {"left against right, mean": np.mean([t for name, t in told.items() if "left" in name], axis=0)}
    worst = corner(people, rng)
    for name, shares in {**told, **both, f"worst: SEM {SEM_DEG[1]}, likeness {LIKENESS[-1]}": worst}.items():
        print(f"| {name} | " + " | ".join(f"{shares[n - 1]:.1%}" for n in LOOKS) + " |")

    print("\nA change of 1.5 MDC95 of that person that stays: told within 3 and 10 more sessions, median delay (sessions):\n")
    afters = (5, 10, 20)
    print("| SEM, likeness | " + " | ".join(f"after session {n}" for n in afters) + " |\n|---|" + "---|" * len(afters))
    for sem in (1.5, 3.0, 4.5):
        for likeness in (0.0, 0.3):
            cells = [power(people, sem, likeness, after, rng) for after in afters]
            said_of = " | ".join(f"{within:.0%} / {ten:.0%} / {_delay(delay)}" for within, ten, delay in cells)
            print(f"| {sem:.1f} degrees, {likeness:g} | {said_of} |")
    print("\nSteady growth over weekly sessions from the first on, SEM 3: told by the last of them:\n")
    totals = (10.0, 15.0, 20.0)
    print("| sessions | " + " | ".join(f"{total:.0f} degrees in all" for total in totals) + " |\n|---|" + "---|" * len(totals))
    for sessions in (9, 13, 26):
        shares = [steady(people, total, 3.0, sessions, rng) for total in totals]
        print(f"| {sessions} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")

    print("\nLeft and right differ in truth, likeness 0: told by session " + ", ".join(map(str, SIDES_LOOKS)) + ":\n")
    print("| SEM | " + " | ".join(f"{d:.0f} degrees" for d in DIFFERENCES_DEG) + " |\n|---|" + "---|" * len(DIFFERENCES_DEG))
    own = np.random.default_rng((asked.seed, 1))
    for sem in (1.5, 3.0, 4.5):
        by = [sides_told(people, difference, sem, own) for difference in DIFFERENCES_DEG]
        cells = (" / ".join(f"{shares[n - NOW_DAYS]:.0%}" for n in SIDES_LOOKS) for shares in by)
        print(f"| {sem:.1f} degrees | " + " | ".join(cells) + " |")

    wrong, wrong_sides = (shares.max() for shares in both.values())
    found = np.mean([power(people, 3.0, 0.0, 10, rng)[0] for _ in range(4)])
    coverage = [float(np.mean(kind)) for kind in held]
    pooled = float(np.mean(np.concatenate(held)))
    short = [
        wrong > FALSE_AT_MOST, wrong_sides > FALSE_AT_MOST, found < POWER_AT_LEAST,
        *(not COVERAGE[0] <= share <= COVERAGE[1] for share in (*coverage, pooled)),
    ]  # fmt: skip
    print(
        f"\n{'SHORT: ' if any(short) else ''}ever wrong {wrong:.1%} (worst corner {worst.max():.0%}), left against right "
        f"{wrong_sides:.1%}, power {found:.1%}, coverage {pooled:.1%} (change {coverage[0]:.1%}, trend {coverage[1]:.1%}, "
        f"left against right {coverage[2]:.1%})"
    )
    return int(any(short))


if __name__ == "__main__":
    sys.exit(main())
