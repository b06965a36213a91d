"""Trains the leg network for a given time on a CPU and writes it as a torch file.

python training/train.py --minutes 60 --seed 1 --out leg.pt --check CHECK.csv TRAIN.csv [TRAIN.csv ...]

Prints, every few minutes, the errors on crops of people, shoes and cameras that it does not learn from. Needs torch.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import crops
import cv2
import numpy as np
import torch
from augment import cut, random_cut
from muon import Muon
from network import OUTPUTS, LegNet

BATCH = 96
ADAM_RATE, MUON_RATE, WEIGHT_DECAY = 3e-3, 0.02, 3e-3
"""Largest learning rates: of first and last layer, normalisation and biases, and of everything else."""
WARM_UP = 0.04
UNREADABLE_SHARE = 0.6
"""Share of the crops without a readable leg that every round takes: they say only that they are unreadable."""
AVERAGED = 0.999
"""Share of the running average of the weights that a step keeps; the average is what is written."""


def batch(crops_: crops.Crops, which: np.ndarray, rng: np.random.Generator | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return crops, shape (n, 3, 96, 96), and targets, shape (n, 19): directions, points, size, kind; spoilt if rng is given."""
    pictures, targets = [], []
    for k in which:
        labels = (crops_.picture(k), crops_.directions[k], crops_.points[k], crops_.focal[k], crops_.foot[k])
        if rng is None:
            kind = -1 if np.isnan(crops_.readable[k]) else 0 if crops_.readable[k] else 2
            picture, target = cut(*labels, kind)
        else:
            picture, target = random_cut(*labels, crops_.readable[k], rng)
        pictures.append(picture)
        targets.append([*target.directions.ravel(), *target.points.ravel(), target.log_size, target.kind])
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.contiguous(memory_format=torch.channels_last), torch.from_numpy(np.array(targets, np.float32))


def loss(said: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the loss: robust distances of what is readable, what the stated errors are worth, and the kind."""
    kind = target[:, 18].long()
    shown = kind <= 0  # readable, or undecided: then the labels still hold
    weight = shown.float() / shown.sum().clamp(min=1)
    off = {
        "foot": said[:, OUTPUTS["foot"]] - target[:, 0:3],
        "shank": said[:, OUTPUTS["shank"]] - target[:, 3:6],
        "normal": said[:, OUTPUTS["normal"]] - target[:, 6:9],
        "points": (said[:, OUTPUTS["points"]] - target[:, 9:17]).reshape(-1, 4, 2),
        "size": said[:, OUTPUTS["log_size"]] - target[:, 17:18],
    }
    length = {part: torch.sqrt((miss**2).sum(-1) + 1e-4) for part, miss in off.items()}
    points = 2.0 * length["points"][:, :3].mean(1) + 0.5 * length["points"][:, 3]
    distance = 3.0 * length["foot"] + 1.5 * length["shank"] + 0.4 * length["normal"] + points + 0.2 * length["size"]
    foot, shank, spots = off["foot"].detach(), off["shank"].detach(), length["points"].detach()
    squares = torch.stack(
        [
            (foot[:, :2] ** 2).mean(1),
            foot[:, 2] ** 2,
            (shank[:, :2] ** 2).mean(1),
            shank[:, 2] ** 2,
            (spots[:, :3] ** 2).mean(1) / 2,
            spots[:, 3] ** 2 / 2,
        ],
        1,
    )
    log_error = said[:, OUTPUTS["log_error"]].clamp(-6, 1)
    freedom = 5.0  # Student's t: a few gross misses must not set the error of all
    worth = ((freedom + 1) / 2 * torch.log1p(squares * torch.exp(-2 * log_error) / freedom) + log_error).mean(1)
    kinds = torch.nn.functional.cross_entropy(said[:, OUTPUTS["kind"]], kind.clamp(min=0), reduction="none", label_smoothing=0.01)
    decided = (kind >= 0).float()
    return ((distance + 0.2 * worth) * weight).sum() + 0.35 * (kinds * decided).sum() / decided.sum().clamp(min=1)


def angle_deg(said: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    """Return the angles between directions, shape (n, 3) each, deg."""
    cosine = (torch.nn.functional.normalize(said, dim=1) * target).sum(1).clamp(-1, 1)
    return torch.rad2deg(torch.acos(cosine)).numpy()


def report(network: LegNet, x: torch.Tensor, target: torch.Tensor, families: np.ndarray) -> str:
    """Return a line about crops that were not learned from."""
    network.eval()
    with torch.no_grad():
        said = torch.cat([network(part) for part in x.split(256)])
    kind = target[:, 18].numpy()
    good = kind == 0
    foot, shank = angle_deg(said[:, :3], target[:, :3]), angle_deg(said[:, 3:6], target[:, 3:6])
    chance = torch.softmax(said[:, OUTPUTS["kind"]], 1).numpy()
    refused = chance[:, 0] < 0.5
    spots = (said[:, 6:14] - target[:, 9:17]).reshape(-1, 4, 2).norm(dim=2).numpy()
    per_family = " ".join(f"{f[:9]} {np.median(foot[good & (families == f)]):.1f}" for f in sorted(set(families[good])))
    return (
        f"foot median {np.median(foot[good]):.2f} mean {foot[good].mean():.2f}, shank {np.median(shank[good]):.2f} "
        f"{shank[good].mean():.2f}, points {spots[good, :3].mean():.4f}, refused good {refused[good].mean():.3f} "
        f"bad {refused[kind == 2].mean():.3f} | {per_family}"
    )


def rate(spent: float, largest: float) -> float:
    """Return the learning rate after a share of the time: a short rise, then half a cosine down."""
    share = spent / WARM_UP if spent < WARM_UP else 0.5 * (1 + np.cos(np.pi * (spent - WARM_UP) / (1 - WARM_UP)))
    return max(largest * float(share), 1e-6)


def average_in(average: LegNet, network: LegNet, steps: float) -> None:
    """Move the running average of the weights towards the network, faster in the first steps."""
    keep = min(AVERAGED, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for mine, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(new, 1 - keep)
            else:
                mine.copy_(new)


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path, help="tables of labelled crops to learn from")
    parser.add_argument("--check", type=Path, required=True, help="table of crops of other people, shoes and cameras")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long to train (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of weights and augmentation (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="file for the weights")
    parser.add_argument("--resume", type=Path, help="start from these weights")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on all learning rates (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="processor cores (default: %(default)s)")
    return parser.parse_args()


def main() -> None:
    """Train."""
    asked = arguments()
    torch.set_num_threads(asked.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(asked.seed)
    rng = np.random.default_rng(asked.seed)
    learned, check = crops.read(asked.sets), crops.read([asked.check])
    people = set(learned.table["body"]) & set(check.table["body"])
    if people:
        raise SystemExit(f"The same bodies are in both: {sorted(people)}. The check must be of other people.")
    print(f"{len(learned)} crops of {len(set(learned.table['person']))} people, checked on {len(check)}", flush=True)
    x_check, target_check = batch(check, np.arange(len(check)), None)
    families = check.column("family")
    network = LegNet().to(memory_format=torch.channels_last)
    if asked.resume:
        network.load_state_dict(torch.load(asked.resume, weights_only=True))
    average = copy.deepcopy(network)
    inner = [w for name, w in network.named_parameters() if w.ndim > 1 and not name.startswith(("features.0.", "out."))]
    outer = [w for w in network.parameters() if not any(w is other for other in inner)]
    optimisers = {torch.optim.AdamW(outer, weight_decay=WEIGHT_DECAY): ADAM_RATE, Muon(inner): MUON_RATE}
    started, said_at, seen, order = time.monotonic(), 0.0, 0, np.empty(0, int)
    losses: list[float] = []
    while (spent := (time.monotonic() - started) / (asked.minutes * 60)) < 1:
        for optimiser, largest in optimisers.items():
            optimiser.param_groups[0]["lr"] = rate(spent, largest * asked.rate)
        if len(order) < BATCH:
            wanted = (learned.readable != 0) | (rng.random(len(learned)) < UNREADABLE_SHARE)
            order = np.concatenate([order, rng.permutation(np.flatnonzero(wanted))])
        x, target = batch(learned, order[:BATCH], rng)
        order = order[BATCH:]
        network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            said = network(x)
        value = loss(said.float(), target)
        network.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(outer, 5.0)
        for optimiser in optimisers:
            optimiser.step()
        average_in(average, network, seen / BATCH)
        seen += len(x)
        losses.append(value.item())
        if time.monotonic() - said_at > 240:
            said_at = time.monotonic()
            so_far = report(average, x_check, target_check, families)
            print(f"{spent:4.0%} {seen} loss {np.mean(losses):.3f} {so_far}", flush=True)
            losses = []
            torch.save(average.state_dict(), asked.out)
    print(f"done {seen} {report(average, x_check, target_check, families)}", flush=True)
    torch.save(average.state_dict(), asked.out)


if __name__ == "__main__":
    main()
