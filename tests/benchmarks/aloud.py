"""Is what the page counts aloud what the log holds? Run `python tests/benchmarks/aloud.py [--sessions N]`.

Sessions of made people (`training/simulate.py`, part tune, without the leg model) go through tracker and coach as on the
page. What was said last of each leg is compared with the repetitions that were counted when the session is over. Between
the two lies only what ends with the session. A leg that never holds still gets its zero at the end: nobody was told to go and
nothing of it was counted aloud, so such legs are told apart. So is how often a later repetition made an earlier one invalid.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from counting import Asked, QuickMeasure, quickened

from rotrack.app.live.coach import Coach
from rotrack.app.live.studio import START_STILL_S
from rotrack.tracking import pipeline
from rotrack.tracking.scoreboard import Scoreboard
from training import simulate


def gone_through(number: int) -> tuple[str, dict[str, tuple[int, int, bool]], int]:
    """Return the drill, per leg what was said last, what the log holds and if it was never ready, and how often a count fell."""
    able = Asked().variants()
    session = quickened(simulate.draw("tune", number, able[number % len(able)], None))
    drill = session.drill
    said, valid, fell = dict.fromkeys(session.sides, 0), dict.fromkeys(session.sides, 0), 0
    board, coach = Scoreboard(), Coach(session.sides, 0, START_STILL_S, drill)
    with patch.object(pipeline, "make_measure", QuickMeasure):
        tracker = pipeline.RotationTracker(drill, session.sides)
        for pose in session.poses:
            step = tracker.update(pose)
            board.add(step)
            numbers = [say.values["number"] for say in coach.update(step, board) if say.key == "say.number"]
            for side in session.sides:
                count, whole = board.counted(side, drill.directions), board.complete(side, drill.directions)
                fell += whole < valid[side]
                assert count >= said[side], "the number that is shown went back"
                assert count == said[side] or not coach.ready or count in numbers, "a repetition counts that nobody heard"
                said[side], valid[side] = count, whole
        last = tracker.finish(session.poses[-1])
        board.add(last, with_frame=False)
    late = {neutral.side for neutral in last.neutrals}
    return drill.id, {str(one): (said[one], board.counted(one, drill.directions), one in late) for one in session.sides}, fell


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200)
    legs = alike = within = fell = unready = 0
    for drill, counts, falls in map(gone_through, range(parser.parse_args().sessions)):
        for side, (said, logged, late) in counts.items():
            unready += late
            if late:
                continue
            legs += 1
            alike += said == logged
            within += abs(said - logged) <= 1
            if said != logged:
                print(f"{drill}, {side}: {said} said, {logged} in the log", flush=True)
        fell += falls
    print(f"{alike} of {legs} legs alike, {within} within one; {fell} times a later repetition made one invalid")
    print(f"{unready} more legs were never ready and are measured at the end")


if __name__ == "__main__":
    main()
