"""Which leg is which, and whether that is certain: swaps of left and right, jumps and crossings are refused.

The pose model may exchange the names of the legs for some frames, mostly if the person lies. A swap shows as a jump: knee,
ankle, heel and toe of both legs leave their course. Legs that cross are another matter: the landmarks may turn back where the
legs pass each other, so from there on it is not certain which is which, until the feet have been apart for a while or have
clearly passed. Nothing is put right: on recorded swaps with known truth, more frames were made wrong by it than right. What
moves on its course is never touched.

Lying on the side, the pose model may have the legs mixed up for a whole recording. Where the drill measures the top leg,
`TopLeg` tells it by its height instead of its name.

`LegNames` puts these together with what the leg network knows, for one drill.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np

from rotrack.core.model import LEGS, N_LANDMARKS, LegCrop, Pose, Side, empty_pose
from rotrack.core.postures import Posture
from rotrack.core.reasons import Reason
from rotrack.kinematics.crops import completed, readable

JUMP_LEGS, JUMP_LEGS_PER_S = 0.35, 1.5
"""The legs are off course when knees, ankles, heels and toes are further from where they should be, on average: in leg scales,
and so much more per second since they were seen last (up to `COURSE_S`)."""
FITS_SHARE = 0.4
"""A jump is a swap if exchanging the legs leaves less than this share of it."""
CROSS_NEAR, CROSS_BEFORE, CROSS_APPROACH, CROSS_WITHIN_S = 0.3, 0.5, 0.12, 1.0
"""Legs cross when the ankles, further apart than the second before, come nearer than the first, each by more than the third
within the last time; all in leg scales."""
CROSS_OVER_SHARE, CROSS_REST_S, CROSS_PASSED, CROSS_AT_MOST_S = 0.9, 1.2, 0.25, 5.0
"""The crossing is over when the ankles are as far apart as this share of before and have not been near each other for so long
(who holds crossed legs uncrosses them sooner), or when they have visibly passed each other by so much."""
SETTLED_LEGS, SETTLED_S = 0.4, 1.0
"""Only who has kept the hips within the first, in leg scales, for so long is watched: walking legs cross and jump."""
COURSE_S, MEMORY_S = 0.2, 1.0
"""Legs are taken to go on as they went for the first; unseen or off course for longer than the second, they are taken as they
come."""
TOP_MEMORY_S = 2.0
APART_FEET, SURE_S = 0.3, 1.0
"""The leg network tells the legs apart if their ankles and knees are further from each other than the first, in feet; its word
holds for the second."""
BENT_UP = 0.35
"""Lying face down, a shank points up by more than this share of its length if the knee is bent, up to a turn of 65 degrees."""
BOTH_KNOWN_S = 5.0
"""A leg that is seen alone is the one whose knee was there when both were seen, if that is not longer ago."""
ASIDE_FEET = 0.7
"""Nor is it the other one if it is so far to one side of where the pose model has the hips, in lengths of the foot."""
HIPS_FEET = 0.7
"""Distance of the hips in lengths of the foot, as far off as the hips are."""
SPEED_SMOOTHING_S, SCALE_SMOOTHING_S = 0.15, 2.0
_LEG = np.array([list(LEGS[side])[1:] for side in Side])  # hip, knee, ankle, heel, toe
_ANKLE = 2


class LegNames:
    """Each leg under its right name, as far as that can be told, in the position of a drill; frames come in order of time.

    Parameters
    ----------
    posture : Posture
        The position.
    sides : tuple of Side
        The legs to measure.
    """

    def __init__(self, posture: Posture, sides: tuple[Side, ...] = tuple(Side)) -> None:
        self._posture = posture.record
        self._face_down = FaceDown(sides)
        self._top_leg, self._identity = TopLeg(), LegIdentity()
        self._crop_identity = CropIdentity(with_hips=self._posture.hips_stacked)
        self._seen_at, self._seen_s = np.full((2, 2, 2), np.nan), -math.inf
        self.renamed = False
        """Whether each leg of the latest pose is where the other one just was: what was known of either is that of the other."""

    def update(self, pose: Pose) -> tuple[Pose, dict[Side, str]]:
        """Return the pose, completed by what the leg network saw, with its legs named, and why a side is refused."""
        refused: dict[Side, str] = {}
        self.renamed = False
        if pose.reason:
            return pose, refused
        if self._posture.face_down:
            return self._face_down.update(pose), refused
        pose, sure = self._crop_identity.update(pose)
        pose = completed(pose)
        by_picture = self._posture.top_leg and self._posture.hips_stacked  # tells the legs apart, whatever the network calls them
        if self._posture.top_leg:
            top = higher_leg(pose)
            if by_picture:
                pose, top = self._top_leg.update(pose)
            refused[top.other] = Reason.LEG_BELOW.of(side=top.other)
        if self._posture.legs_mixed_up:
            why = self._identity.update(pose.time_s, pose.image_px)
            refused |= dict.fromkeys(Side, why) if why and not sure else {}
        if not by_picture:
            self._note(pose)
        return pose, refused

    def _note(self, pose: Pose) -> None:
        """Keep where the network saw both legs, and notice when their names have changed places."""
        seen = _by_crops(pose)
        if seen is None:
            return
        if 0 <= pose.time_s - self._seen_s <= COURSE_S:
            self.renamed = _off(seen[::-1], self._seen_at) < FITS_SHARE * _off(seen, self._seen_at)
        self._seen_at, self._seen_s = seen, pose.time_s


class TopLeg:
    """Tells the top leg of somebody who lies on the side from the picture, whatever the pose model calls it.

    For the foot end with the top knee bent: the higher ankle is that of the top leg, and the bent shank points backwards, away
    from the belly, so it also says on which side the person lies.
    """

    def __init__(self) -> None:
        self._time_s = -math.inf
        self._backward = 0.0

    def update(self, pose: Pose) -> tuple[Pose, Side]:
        """Take the next pose; return it with the top leg, from hip to toes, under its right name, and the side of the top leg.

        What the leg network saw gets the names of the legs that it belongs to.
        """
        low, high = sorted(LEGS.values(), key=lambda leg: -np.nan_to_num(pose.image_px[leg.ankle][1], nan=np.inf))
        shank = pose.image_px[high.ankle] - pose.image_px[high.knee]
        if np.isfinite(shank).all() and shank.any():
            share = 1 - math.exp(-min(pose.time_s - self._time_s, 1e3) / TOP_MEMORY_S)
            self._backward += share * (float(shank[0] / np.hypot(*shank)) - self._backward)
            self._time_s = pose.time_s
        side = Side.LEFT if self._backward > 0 else Side.RIGHT  # head away from the camera
        if high is LEGS[side] or not np.isfinite(pose.image_px[[low.ankle, high.ankle]]).all():
            return pose, side
        return replace(_exchanged(pose, with_hips=True), legs={side.other: crop for side, crop in pose.legs.items()}), side


class FaceDown:
    """Names and places the legs of somebody who lies on the belly, feet to the camera, by what the leg network sees alone.

    The pose model takes somebody seen from the soles for one who faces the camera in one clip and not in the next, and puts
    knees and hips anywhere. Seen so, the right knee is on the right of the picture, and a shank of a bent knee points up. The
    thighs point away from the camera, so each hip is put where its knee is in the picture.

    Parameters
    ----------
    sides : tuple of Side
        The legs to measure: if it is one, a bent leg that is seen alone is that one.
    """

    def __init__(self, sides: tuple[Side, ...]) -> None:
        self._sides = sides
        self._knees_px: dict[Side, np.ndarray] = {}
        self._seen_s = -math.inf

    def update(self, pose: Pose) -> Pose:
        """Return the pose with the legs that can be told, or why there is none."""
        bent = _bent(pose)
        legs = self._named(pose, bent)
        if not legs:
            return empty_pose(pose.time_s, pose.size_px, Reason.ONE_BENT if bent else Reason.NONE_BENT, pose.people)
        self._knees_px |= {side: _knee_px(crop) for side, crop in legs.items()}
        self._seen_s = pose.time_s
        return _placed(pose, legs)

    def _named(self, pose: Pose, bent: list[LegCrop]) -> dict[Side, LegCrop]:
        if len(bent) == len(Side):
            return dict(zip(Side, sorted(bent, key=lambda crop: float(_knee_px(crop)[0])), strict=True))
        if len(bent) != 1:
            return {}
        if len(self._knees_px) == len(Side) and pose.time_s - self._seen_s < BOTH_KNOWN_S:
            off = {side: float(np.hypot(*(_knee_px(bent[0]) - self._knees_px[side]))) for side in Side}
            return {min(off, key=off.__getitem__): bent[0]}
        if len(self._sides) == 1:
            return {self._sides[0]: bent[0]}
        hips_px = pose.image_px[[LEGS[side].hip for side in Side]].mean(axis=0)
        aside_feet = float(_knee_px(bent[0])[0] - hips_px[0]) / bent[0].foot_px
        return {Side.RIGHT if aside_feet > 0 else Side.LEFT: bent[0]} if abs(aside_feet) > ASIDE_FEET else {}


def _knee_px(crop: LegCrop) -> np.ndarray:
    return crop.points_px[3]


def _bent(pose: Pose) -> list[LegCrop]:
    """Return the crops that show a leg whose shank points up; one, if both show the same leg."""
    found = [crop for crop in pose.legs.values() if readable(crop) and crop.shank[1] > BENT_UP]
    found.sort(key=lambda crop: -crop.readable)
    same = len(found) == len(Side) and np.hypot(*(found[0].points_px[2] - found[1].points_px[2])) < APART_FEET * found[0].foot_px
    return found[:1] if same else found


def _placed(pose: Pose, legs: dict[Side, LegCrop]) -> Pose:
    """Return the pose with these legs only, hips and knees where the network saw the knees."""
    marks = pose.image_px.copy()
    for side, leg in LEGS.items():
        marks[list(leg[1:])] = np.nan
        if side in legs:
            marks[[leg.heel, leg.toe, leg.ankle, leg.knee]] = legs[side].points_px
            marks[leg.hip] = _knee_px(legs[side])
    for side, crop in legs.items():
        if side.other not in legs:
            across_px = HIPS_FEET * crop.foot_px * (1.0 if side is Side.LEFT else -1.0)
            marks[LEGS[side.other].hip] = _knee_px(crop) + np.array([across_px, 0.0])
    marks.setflags(write=False)
    return replace(pose, image_px=marks, legs=legs)


class CropIdentity:
    """Gives the pose model's legs the names that the leg network gives them; frames come in order of time.

    Where the network cannot tell for a moment, the legs keep the names under which they lie nearest to where they were.
    """

    def __init__(self, with_hips: bool) -> None:
        self._with_hips = with_hips
        self._at = np.full((2, 2, 2), np.nan)
        self._time_s = self._sure_s = -math.inf

    def update(self, pose: Pose) -> tuple[Pose, bool]:
        """Return the pose with its legs (lying on the side: from the hips) under their right names, and whether that is sure."""
        marks = np.stack([pose.image_px[[LEGS[side].ankle, LEGS[side].knee]] for side in Side])
        if not np.isfinite(marks).all(axis=(1, 2)).any():
            return pose, False
        seen = _by_crops(pose)
        if seen is not None and _distance(seen[0], seen[1]) > APART_FEET * min(leg.foot_px for leg in pose.legs.values()):
            mixed_up = _off(marks[::-1], seen) < FITS_SHARE * _off(marks, seen)
            self._sure_s = pose.time_s
        elif not 0 <= pose.time_s - self._sure_s < SURE_S or pose.time_s - self._time_s > COURSE_S:
            return pose, False
        else:
            straight, crossed = _off(marks, self._at), _off(marks[::-1], self._at)
            if not (math.isfinite(straight) and math.isfinite(crossed)):
                return pose, False
            mixed_up = crossed < straight
        named = marks[::-1] if mixed_up else marks
        self._at, self._time_s = np.where(np.isfinite(named), named, self._at), pose.time_s
        return (_exchanged(pose, self._with_hips) if mixed_up else pose), True


def _by_crops(pose: Pose) -> np.ndarray | None:
    """Return ankle and knee of both legs as the leg network saw them, shape (2, 2, 2), px; None if it cannot read both."""
    legs = [leg for side in Side if (leg := pose.legs.get(side)) is not None and readable(leg)]
    return np.stack([leg.points_px[2:] for leg in legs]) if len(legs) == len(Side) else None


def _off(legs: np.ndarray, places: np.ndarray) -> float:
    """Return how far legs are from their places on average, of what is known of both, shape (2, n, 2); NaN if nothing is."""
    off = np.hypot(*(legs - places).T)
    return float(off[np.isfinite(off)].mean()) if np.isfinite(off).any() else math.nan


def higher_leg(pose: Pose) -> Side:
    """Return the side whose ankle is higher in the picture; one that is not seen is not higher."""
    return min(Side, key=lambda side: float(np.nan_to_num(pose.image_px[LEGS[side].ankle][1], nan=np.inf)))


def _exchanged(pose: Pose, with_hips: bool) -> Pose:
    """Return the pose with the names of its legs exchanged, to the toes; what the network said of them stays."""
    first = 1 if with_hips else 2
    left, right = (LEGS[side][first:] for side in Side)
    order = np.arange(N_LANDMARKS)
    order[[*left, *right]] = [*right, *left]
    image_px, world_m, visibility = pose.image_px[order], pose.world_m[order], pose.visibility[order]
    for array in (image_px, world_m, visibility):
        array.setflags(write=False)
    return replace(pose, image_px=image_px, world_m=world_m, visibility=visibility)


class LegIdentity:
    """Follows both legs and says, frame by frame, whether it is certain which is which; frames come in order of time."""

    def __init__(self) -> None:
        self._time_s = -math.inf
        self._at = np.full((2, 5, 2), np.nan)
        self._speed = np.zeros((2, 5, 2))
        self._scale_px = math.nan
        self._ankles: deque[tuple[float, np.ndarray]] = deque()
        self._crossing_from_s = self._near_s = math.nan
        self._apart_before = math.nan
        self._home = np.full(2, np.nan)
        self._home_from_s = math.inf

    def update(self, time_s: float, image_px: np.ndarray) -> str:
        """Return why the legs of a frame cannot be trusted; empty if they can, or if too little is seen to tell.

        Parameters
        ----------
        time_s : float
            Time of the frame, s.
        image_px : numpy.ndarray, shape (33, 2), px
            The landmarks; NaN where missing.
        """
        legs = image_px[_LEG]
        if not np.isfinite(legs).all():  # nothing can be told of half a leg
            return ""
        step_s = time_s - self._time_s
        if not step_s < MEMORY_S:
            self._restart(time_s, legs)
            return ""
        if not self._settled(time_s, legs):
            self._follow(time_s, legs, step_s)
            self._ankles.clear()
            return ""
        crossing = math.isfinite(self._crossing_from_s)  # then they may jump past each other
        reason = "" if crossing else self._jumped(legs, min(step_s, COURSE_S))
        if reason:
            return reason
        self._follow(time_s, legs, step_s)
        return Reason.LEGS_CROSS if self._crossing(time_s) else ""

    def _settled(self, time_s: float, legs: np.ndarray) -> bool:
        hips = legs[:, 0].mean(axis=0)
        if not np.hypot(*(hips - self._home)) < SETTLED_LEGS * self._scale_px:
            self._home, self._home_from_s = hips, time_s
        return time_s - self._home_from_s >= SETTLED_S

    # ------------------------------------------------------------------ swaps and jumps
    def _jumped(self, legs: np.ndarray, step_s: float) -> str:
        """Return why the legs are off their course; empty if they are not."""
        course = self._at + self._speed * step_s
        off = self._off(legs, course)
        if off <= JUMP_LEGS + JUMP_LEGS_PER_S * step_s:
            return ""
        return Reason.LEGS_SWAPPED if self._off(legs[::-1], course) < FITS_SHARE * off else Reason.LEGS_JUMP

    def _off(self, legs: np.ndarray, course: np.ndarray) -> float:
        """Return how far knees, ankles, heels and toes are from where they should be, in leg scales."""
        return _distance(legs[:, 1:], course[:, 1:]) / self._scale_px

    # ------------------------------------------------------------------ crossing
    def _crossing(self, time_s: float) -> bool:
        """Whether the legs cross, or have crossed and may have been mixed up since."""
        left, right = self._at[:, _ANKLE]
        apart = _distance(left, right) / self._scale_px
        while self._ankles and self._ankles[0][0] < time_s - CROSS_WITHIN_S:
            self._ankles.popleft()
        if math.isnan(self._crossing_from_s):
            before = max(((_distance(*a) / self._scale_px, k) for k, (_, a) in enumerate(self._ankles)), default=(0.0, 0))
            if apart < CROSS_NEAR and before[0] > CROSS_BEFORE:
                was = self._ankles[before[1]][1]
                towards = (was[1] - was[0]) / max(_distance(*was), 1.0)
                approach = np.array([(left - was[0]) @ towards, (was[1] - right) @ towards]) / self._scale_px
                if (approach > CROSS_APPROACH).all():
                    self._crossing_from_s, self._near_s, self._apart_before = time_s, time_s, before[0]
        self._ankles.append((time_s, self._at[:, _ANKLE].copy()))
        if math.isnan(self._crossing_from_s):
            return False
        hips = self._at[1, 0] - self._at[0, 0]
        passed = -float((right - left) @ hips) / max(float(np.hypot(*hips)), 1.0) / self._scale_px
        if apart < CROSS_NEAR:
            self._near_s = time_s
        rested = time_s - self._near_s > CROSS_REST_S
        over = (rested and apart > CROSS_OVER_SHARE * self._apart_before) or passed > CROSS_PASSED
        if over or time_s - self._crossing_from_s > CROSS_AT_MOST_S:
            self._crossing_from_s = math.nan
            self._ankles.clear()
        return not over

    # ------------------------------------------------------------------ memory
    def _restart(self, time_s: float, legs: np.ndarray) -> None:
        self._time_s, self._at, self._speed = time_s, legs, np.zeros_like(legs)
        self._scale_px = _scale_px(legs)
        self._settled(time_s, legs)
        self._ankles.clear()
        self._crossing_from_s = math.nan

    def _follow(self, time_s: float, legs: np.ndarray, step_s: float) -> None:
        share = 1 - math.exp(-step_s / SPEED_SMOOTHING_S)
        self._speed = self._speed + share * ((legs - self._at) / max(step_s, 1e-3) - self._speed)
        self._scale_px += (1 - math.exp(-step_s / SCALE_SMOOTHING_S)) * (_scale_px(legs) - self._scale_px)
        self._time_s, self._at = time_s, legs


def _scale_px(legs: np.ndarray) -> float:
    """Return the longest of thighs and shanks of both legs in the picture, px; foreshortening hides one of them at most."""
    bones = np.hypot(*np.moveaxis(legs[:, 1:3] - legs[:, 0:2], -1, 0))
    return max(float(bones.mean(axis=0).max()), 1.0)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean distance of corresponding points, shape (..., 2)."""
    return float(np.mean(np.sqrt(((a - b) ** 2).sum(axis=-1))))
