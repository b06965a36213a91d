"""Which body in the picture is the person measured, frame by frame; knows landmarks and colours, not the pose model.

The person is chosen once and remembered by place, size and the mean colours of trunk, thighs and shanks. Landmarks whose colours
do not fit any more, or that jump, are doubted; they are refused when somebody else is known to be there, or when the place
where the person was still a moment ago is covered. Until the person is found again, everything else in the picture is painted
over in the copy that the pose model gets. Pictures are never kept; the memory is six colours and one set of landmarks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rotrack.core.model import LEGS, N_LANDMARKS, Side
from rotrack.core.reasons import Reason

OTHER_COLOURS = 0.12
"""Median change of the six colours, of 1, from which a body is doubted: 0.05 at most in drills upright, 0.14 and more on
another body (rendered people, also in like clothes)."""
SAME_COLOURS = 0.10
"""Less than this, a body may be taken for the person again."""
COVERED_COLOURS = 0.09
"""Change of a half of the trunk, at the place where it was, from which something stands before it."""
DOUBT_WITH_OTHERS = 0.07
"""The limit of doubt while somebody else was just seen."""
LEG_COLOURS, OTHERS_NEAR_S = 0.25, 3.0
"""A thigh or shank that changes by more is covered, if somebody else was seen within this time."""
CURIOUS_COLOURS, CURIOUS_EVERY_S = 0.12, 0.3
"""Two parts of the body that change by more make it worth a look for others, this often at most."""
HELD_TRUNKS, HELD_COLOURS = 0.1, 0.06
"""Who has moved or grown by less and looks the same in two parts is still the person, whatever covers the rest."""
STILL_TRUNKS, STILL_S = 0.15, 2.0
"""The person is still who moves the trunk by less than the first, in trunk lengths, for so long. Only where somebody sat or
stood still is a covered place proof enough that somebody came; lying, the pose model errs too often for that."""
JUMP_TRUNKS, JUMP_TRUNKS_PER_S = 0.35, 4.0
JUMP_SIZE, JUMP_SIZE_PER_S = 0.2, 1.0
"""A trunk that moves by more, in trunk lengths, or grows or shrinks by more, as a logarithm, has jumped."""
SAME_PLACE_TRUNKS, SAME_SIZE = 0.6, 0.2
"""Found again is who is this near and of this size (logarithm)."""
LEARN_S = 0.7
ADAPT_S = 3.0
OTHERS_KNOWN_S = 10.0
"""How long somebody else who was seen is taken to be there."""
GIVE_UP_S, GIVE_UP_COVERED_S = 1.5, 5.0
"""As long as no second person was ever seen, doubt ends after this time and the body in view is learned anew; the second if
the place where the person was looks covered."""
DISTINCT_TRUNKS = 0.4
"""Two bodies with the middle of their trunks nearer than this are one."""
ON_BODY_TRUNKS, ON_BODY_SHARE = 0.3, 0.75
"""So are two of which each has this share of its landmarks nearer than this to the other's skeleton: of somebody who lies with
the legs up, the pose model may report a second body with feet for hands and knees for hips."""
AROUND_TRUNKS, AROUND_CHOSEN_TRUNKS = 0.6, 0.25
"""Margin, in trunk lengths, of the region that is searched around the last good place; the second around somebody just chosen,
who may stand close to others."""
ELSEWHERE_AFTER_S, ELSEWHERE_SIZE = 2.0, 0.5
"""Hidden for longer, the person is looked for in the whole picture; the size may have changed by so much (logarithm)."""
POINTED_TRUNKS, POINTED_S = 0.6, 3.0
"""A point means who is this near to it, in trunk lengths; if nobody is for this time, it means nobody."""
_SHOULDERS = [LEGS[side].shoulder for side in Side]
_HIPS = [LEGS[side].hip for side in Side]
_TRUNK = _SHOULDERS + _HIPS
_BONES = [(leg.hip, leg.knee) for leg in LEGS.values()] + [(leg.knee, leg.ankle) for leg in LEGS.values()]
_LIMBS: list[tuple[int, ...]] = [
    *_BONES,
    *((leg.shoulder, leg.hip) for leg in LEGS.values()),
    *((leg.ankle, leg.toe) for leg in LEGS.values()),
]
_LIMBS += [tuple(_SHOULDERS), tuple(_HIPS)]
_LIMBS += [(11, 13), (13, 15), (12, 14), (14, 16), (0, 11), (0, 12)]  # arms and head
_LIMB_ENDS = np.array(_LIMBS).T
_LEGS_FROM = 2
_ENOUGH = 4
_ACROSS, _DOWN = (a.ravel()[:, None] for a in np.meshgrid(np.linspace(0.15, 0.85, 6), np.linspace(0.1, 0.9, 8)))
_ALONG = np.repeat(np.linspace(0.2, 0.9, 10), 3)[:, None]
_BESIDE_PX = np.tile([(-3.0, 0.0), (0.0, 0.0), (3.0, 0.0)], (10, 1))


def body_colours(rgb: np.ndarray, image_px: np.ndarray) -> np.ndarray:
    """Return the mean colours of a body.

    Parameters
    ----------
    rgb : numpy.ndarray, shape (H, W, 3), uint8
        The picture.
    image_px : numpy.ndarray, shape (33, 2), px
        The landmarks; NaN where missing.

    Returns
    -------
    numpy.ndarray, shape (6, 3)
        Upper and lower trunk, left and right thigh, left and right shank, 0 to 1; NaN where not in the picture.
    """
    left, right, left_hip, right_hip = image_px[_TRUNK]
    shoulders, hips = left + _ACROSS * (right - left), left_hip + _ACROSS * (right_hip - left_hip)
    trunk = shoulders + _DOWN * (hips - shoulders)
    half = len(trunk) // 2
    legs = [image_px[a] + _ALONG * (image_px[b] - image_px[a]) + _BESIDE_PX for a, b in _BONES]
    return np.array([_mean_colour(rgb, points) for points in (trunk[:half], trunk[half:], *legs)])


def _mean_colour(rgb: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    if not np.isfinite(points_px).all():
        return np.full(3, np.nan)
    x, y = np.round(points_px).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < rgb.shape[1]) & (y < rgb.shape[0])
    if inside.mean() < 0.6:
        return np.full(3, np.nan)
    return np.asarray(rgb[y[inside], x[inside]].mean(axis=0) / 255.0)


def trunk_place(image_px: np.ndarray) -> tuple[np.ndarray, float]:
    """Return middle, shape (2,), and length of the trunk of landmarks, shape (33, 2), all px; NaN if it is not seen."""
    shoulders, hips = image_px[_SHOULDERS].mean(axis=0), image_px[_HIPS].mean(axis=0)
    return (shoulders + hips) / 2, max(float(np.hypot(*(shoulders - hips))), 1.0)


def choose(bodies: Sequence[np.ndarray], size_px: tuple[int, int]) -> int:
    """Return which body is the person to measure if nobody says: the largest and most central one.

    Parameters
    ----------
    bodies : sequence of numpy.ndarray, shape (33, 2), px
        Landmarks of the people seen, at least one.
    size_px : tuple of int
        Width and height of the picture.
    """
    middle_px, half_px = (size_px[0] - 1) / 2, size_px[0] / 2
    scores = []
    for body in bodies:
        x, y = np.nanmin(body, axis=0), np.nanmax(body, axis=0)
        beside = abs((x[0] + y[0]) / 2 - middle_px) / half_px
        scores.append(float(y[1] - x[1]) * (1 - min(float(beside), 0.95)))
    return int(np.argmax(scores))


def _distance_px(body: np.ndarray, point_px: tuple[float, float]) -> float:
    """Return how far a point is from the nearest landmark of a body, shape (33, 2), px."""
    return float(np.nanmin(np.hypot(*(body - point_px).T)))


class PersonKeeper:
    """Remembers the person measured and tells other bodies from theirs; frames come in order of time.

    Parameters
    ----------
    follow : tuple of float, optional
        A point on the person to measure in the first pictures, px.
    upright : bool
        Whether the person sits or stands: then a covered place is proof enough that somebody else came.
    """

    def __init__(self, follow: tuple[float, float] | None = None, upright: bool = False) -> None:
        self._pointed_px, self._pointed_s = follow, math.nan
        self._upright = upright
        self._colours: np.ndarray | None = None
        self._learned = 0
        self._learning_from_s = math.nan
        self._place = np.full((N_LANDMARKS, 2), np.nan)
        self._place_s = -math.inf
        self._home = np.full(2, np.nan)
        self._still_from_s = math.inf
        self._others_s = -math.inf
        self._refused_from_s = math.nan
        self._strange_from_s = math.nan
        self._looked_s = -math.inf
        self._reason = ""
        self._chosen = self._awaited = False
        self.pointed_at_nobody = False
        """Whether nobody was found at the point, so that whoever is seen is measured."""

    # ------------------------------------------------------------------ what the caller asks
    @property
    def known(self) -> bool:
        """Whether the person's looks are known well enough to notice somebody else."""
        return self._colours is not None and math.isnan(self._learning_from_s)

    @property
    def searching(self) -> bool:
        """Whether the latest landmarks were refused and the person is being looked for."""
        return bool(self._reason)

    @property
    def pointed_px(self) -> tuple[float, float] | None:
        """The point on the person to measure, px, until a body is found there; else None."""
        return None if self._awaited else self._pointed_px

    def look_elsewhere(self, time_s: float) -> bool:
        """Whether the person has been hidden for so long that the whole picture should be searched."""
        return self.searching and time_s - self._refused_from_s > ELSEWHERE_AFTER_S

    def region_px(self, size_px: tuple[int, int]) -> tuple[int, int, int, int] | None:
        """Return left, top, right and bottom of the region to search while `searching`, right and bottom excluded, px."""
        if not self.searching or not np.isfinite(self._place).any():
            return None
        margin = (AROUND_CHOSEN_TRUNKS if self._awaited else AROUND_TRUNKS) * trunk_place(self._place)[1]
        if not math.isfinite(margin):
            margin = 0.1 * size_px[1]
        low, high = np.nanmin(self._place, axis=0) - margin, np.nanmax(self._place, axis=0) + margin
        left, top = np.maximum(np.floor(low), 0).astype(int)
        right, bottom = np.minimum(np.ceil(high), size_px).astype(int)
        return int(left), int(top), int(right), int(bottom)

    # ------------------------------------------------------------------ what the caller tells
    def seen(self, rgb: np.ndarray, bodies: Sequence[np.ndarray], time_s: float) -> None:
        """Take the result of a search for several people: their landmarks, each of shape (33, 2), px."""
        self._looked_s = time_s
        bodies = _distinct(bodies)
        if len(bodies) > 1:
            self._others_s = time_s
        bodies = [body for body in bodies if np.isfinite(trunk_place(body)[0]).all()]
        if self._pointed_px is not None:
            self._look_where_pointed(bodies, self._pointed_px, time_s)
        elif (len(bodies) > 1 and not self._chosen) or (bodies and self._awaited and self.look_elsewhere(time_s)):
            self._await(bodies[choose(bodies, (rgb.shape[1], rgb.shape[0]))], time_s)
        elif bodies and self.look_elsewhere(time_s):
            fits = [self._difference(body_colours(rgb, body)) for body in bodies]
            best = int(np.argmin(np.where(np.isfinite(fits), fits, np.inf)))
            if fits[best] < HELD_COLOURS and self._sized(bodies[best], ELSEWHERE_SIZE):
                self._place = bodies[best]

    def _look_where_pointed(self, bodies: Sequence[np.ndarray], point_px: tuple[float, float], time_s: float) -> None:
        """Await the body at the point; if there is none for a while, stay with whoever is seen."""
        if math.isnan(self._pointed_s):
            self._pointed_s = time_s
        near = [body for body in bodies if _distance_px(body, point_px) < POINTED_TRUNKS * trunk_place(body)[1]]
        if near:
            self._await(min(near, key=lambda body: _distance_px(body, point_px)), time_s)
        if time_s - self._pointed_s >= POINTED_S:
            self._pointed_px, self._chosen = None, self._chosen or self.known
            self.pointed_at_nobody = not self._awaited

    def _await(self, body: np.ndarray, time_s: float) -> None:
        """Take a body as the person; until the landmarks are theirs, they are refused."""
        self._place, self._place_s, self._refused_from_s = body, time_s, time_s
        self._chosen = self._awaited = True

    def doubt(self, rgb: np.ndarray, image_px: np.ndarray, time_s: float) -> bool:
        """Take the next landmarks, shape (33, 2), px; return whether the picture should be searched before `decide`."""
        self._now = body_colours(rgb, image_px)
        self._doubted = self._doubtful(image_px, time_s)
        curious = self._odd() and time_s - self._looked_s >= CURIOUS_EVERY_S
        return self._doubted or curious or self._pointed_px is not None

    def decide(self, rgb: np.ndarray, image_px: np.ndarray, time_s: float) -> str:
        """Return why the landmarks that `doubt` took are refused; empty if they are the person's."""
        if self._awaited:  # perhaps only since the search that `doubt` asked for
            self._doubted = self._doubtful(image_px, time_s)
        strange = self._doubted or self._odd()
        if not strange or math.isnan(self._strange_from_s):
            self._strange_from_s = time_s if strange else math.nan
        reason = self._refusal(rgb, image_px, time_s)
        if reason and not self._reason:
            self._refused_from_s = time_s
        self._reason = reason
        if not reason and time_s - self._strange_from_s > GIVE_UP_S and not self._others_near(time_s):
            self._colours = None  # nobody else is there: other light, other clothes or a mistake; learn the looks anew
            strange = False
        if not strange and not reason:
            self._remember(image_px, time_s)
        return reason

    def covered_legs(self, time_s: float) -> tuple[Side, ...]:
        """Return the legs of accepted landmarks that somebody else stands before."""
        if not self.known or not self._others_near(time_s):
            return ()
        return tuple(side for k, side in enumerate(Side) if (self._changes()[_LEGS_FROM + k :: 2] > LEG_COLOURS).any())

    def nobody(self, rgb: np.ndarray) -> str:
        """Return why nobody was found in the region that is searched; empty if the person is not being looked for."""
        if self._reason and self.known:
            self._reason = Reason.IN_THE_WAY if self._covered(rgb) else Reason.GONE
        return self._reason

    # ------------------------------------------------------------------ the rules
    def _doubtful(self, image_px: np.ndarray, time_s: float) -> bool:
        if self._awaited:  # chosen, not followed yet
            return not self._here(image_px)
        if not self.known:
            return False
        if self.searching:
            return not (self._difference(self._now) < SAME_COLOURS and self._here(image_px))
        limit = DOUBT_WITH_OTHERS if self._others_near(time_s) else OTHER_COLOURS
        return self._difference(self._now) > limit or self._jumped(image_px, time_s)

    def _refusal(self, rgb: np.ndarray, image_px: np.ndarray, time_s: float) -> str:
        if self._awaited and self._doubted:
            self._others_s = time_s  # whoever is seen elsewhere
            return Reason.HIDDEN
        if not self._doubted or self._held(image_px):
            return ""
        covered = self._covered(rgb)
        if self._others_s == -math.inf and time_s - self._strange_from_s > (GIVE_UP_COVERED_S if covered else GIVE_UP_S):
            return ""
        if self.searching:
            alone = time_s - max(self._others_s, self._refused_from_s) > OTHERS_KNOWN_S  # then the place is proof enough
            return "" if alone and self._here(image_px) else Reason.IN_THE_WAY if covered else Reason.HIDDEN
        if covered and self._upright and self._place_s - self._still_from_s >= STILL_S:
            return Reason.IN_THE_WAY
        return Reason.HIDDEN if time_s - self._others_s < OTHERS_KNOWN_S else ""

    def _held(self, image_px: np.ndarray) -> bool:
        """Whether the trunk is where it was and parts of the body look as before: partly covered, but the same person."""
        if self._colours is None:
            return False
        (before, length), (now, length_now) = trunk_place(self._place), trunk_place(image_px)
        near = np.hypot(*(now - before)) < HELD_TRUNKS * length and abs(math.log(length_now / length)) < HELD_TRUNKS
        return bool(near and (_changes(self._now, self._colours) < HELD_COLOURS).sum() >= 2)

    def _others_near(self, time_s: float) -> bool:
        return time_s - self._others_s < OTHERS_NEAR_S

    def _difference(self, colours: np.ndarray) -> float:
        """Return the median change against the person's colours; NaN if too little is seen to tell."""
        if self._colours is None:
            return math.nan
        changes = _changes(colours, self._colours)
        changes = changes[np.isfinite(changes)]
        return float(np.median(changes)) if len(changes) >= _ENOUGH else math.nan

    def _covered(self, rgb: np.ndarray) -> bool:
        """Whether something else is seen where the trunk was in the last good frame."""
        assert self._colours is not None
        return bool(np.nanmax(_changes(body_colours(rgb, self._place), self._colours)[:_LEGS_FROM], initial=0) > COVERED_COLOURS)

    def _odd(self) -> bool:
        """Whether two parts of the body look different, which may be the beginning of somebody else."""
        return self.known and bool((self._changes() > CURIOUS_COLOURS).sum() >= 2)

    def _changes(self) -> np.ndarray:
        assert self._colours is not None
        return _changes(self._now, self._colours)

    def _jumped(self, image_px: np.ndarray, time_s: float) -> bool:
        (before, length), (now, length_now) = trunk_place(self._place), trunk_place(image_px)
        step_s = max(time_s - self._place_s, 0.0)
        moved = float(np.hypot(*(now - before))) / length
        grown = abs(math.log(length_now / length))
        return moved > JUMP_TRUNKS + JUMP_TRUNKS_PER_S * step_s or grown > JUMP_SIZE + JUMP_SIZE_PER_S * step_s

    def _here(self, image_px: np.ndarray) -> bool:
        (before, length), (now, _) = trunk_place(self._place), trunk_place(image_px)
        return bool(np.hypot(*(now - before)) < SAME_PLACE_TRUNKS * length) and self._sized(image_px)

    def _sized(self, image_px: np.ndarray, limit: float = SAME_SIZE) -> bool:
        return abs(math.log(trunk_place(image_px)[1] / trunk_place(self._place)[1])) < limit

    # ------------------------------------------------------------------ the memory
    def _remember(self, image_px: np.ndarray, time_s: float) -> None:
        step_s = min(max(time_s - self._place_s, 0.0), 1.0)
        if self._awaited:
            self._pointed_px = None
        self._place, self._place_s, self._awaited = image_px, time_s, False
        middle, length = trunk_place(image_px)
        if not np.hypot(*(middle - self._home)) < STILL_TRUNKS * length:  # also if there was none yet
            self._home, self._still_from_s = middle, time_s
        if self._colours is None or not self.known:
            self._learn(time_s)
            return
        changes = _changes(self._now, self._colours)
        new = ~np.isfinite(self._colours[:, 0])
        self._colours[new] = self._now[new]
        near = changes < OTHER_COLOURS
        self._colours[near] += (1 - math.exp(-step_s / ADAPT_S)) * (self._now[near] - self._colours[near])

    def _learn(self, time_s: float) -> None:
        """Average the colours until they have stayed the same for a while."""
        if np.isfinite(self._now[:, 0]).sum() < _ENOUGH:
            return
        if self._colours is None or not self._difference(self._now) < SAME_COLOURS or self._still_from_s > self._learning_from_s:
            self._colours, self._learning_from_s, self._learned = self._now.copy(), max(time_s, self._still_from_s), 1
            return
        self._learned += 1
        fresh = np.where(np.isfinite(self._now), self._now, self._colours)
        self._colours = np.where(np.isfinite(self._colours), self._colours, fresh)
        self._colours += (fresh - self._colours) / self._learned
        if time_s - self._learning_from_s >= LEARN_S:
            self._learning_from_s = math.nan
            self._chosen = self._chosen or self._pointed_px is None


def _distinct(bodies: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the bodies without those that lie on an earlier one; the pose model may report a person twice."""
    kept: list[np.ndarray] = []
    for body in bodies:
        middle, length = trunk_place(body)
        if not any(
            np.hypot(*(trunk_place(other)[0] - middle)) < DISTINCT_TRUNKS * length or _one_body(body, other) for other in kept
        ):
            kept.append(body)
    return kept


def _one_body(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two sets of landmarks, each of shape (33, 2), px, lie on one body, whatever they call its parts."""
    reach_px = ON_BODY_TRUNKS * max(trunk_place(a)[1], trunk_place(b)[1])
    return all(_share_on(*pair, reach_px) > ON_BODY_SHARE for pair in ((a, b), (b, a)))


def _share_on(body: np.ndarray, other: np.ndarray, reach_px: float) -> float:
    """Return the share of the landmarks of a body that are this near to the skeleton of another; 0 if nothing is seen of it."""
    points = body[np.isfinite(body[:, 0])]
    start, end = other[_LIMB_ENDS]
    seen = np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1)
    if not len(points) or not seen.any():
        return 0.0
    start, limb = start[seen], (end - start)[seen]
    along = ((points[:, None] - start) * limb).sum(axis=2) / np.maximum((limb**2).sum(axis=1), 1e-9)
    nearest = start + np.clip(along, 0, 1)[..., None] * limb
    return float((np.hypot(*(points[:, None] - nearest).T).min(axis=0) < reach_px).mean())


def _changes(colours: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.sqrt(((colours - reference) ** 2).sum(axis=1))


def painted_over(rgb: np.ndarray, region_px: tuple[int, int, int, int]) -> np.ndarray:
    """Return a copy of a picture, shape (H, W, 3), that shows only a region; the rest is grey."""
    left, top, right, bottom = region_px
    copy = np.full_like(rgb, 128)
    copy[top:bottom, left:right] = rgb[top:bottom, left:right]
    return copy
