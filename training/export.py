"""Turns trained weights into what rotrack loads: legnet.onnx, and legnet.json with checksum, error scale and counts of the data.

python training/export.py leg.pt --check CHECK.csv --trained-on TRAIN.csv [TRAIN.csv ...]

The stated errors are scaled so that 95 % bars hold 95 % of the errors on the check set, and the score of "unreadable" is shifted
so that 1.5 % of its readable crops are rejected. Batch normalisation is merged into the convolutions; the files are written only
if OpenCV then says the same as torch. Needs torch and onnx.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from pathlib import Path

import crops
import cv2
import evaluate
import numpy as np
import torch
from augment import INPUT_PX
from network import Exported, LegNet

LARGEST_DIFFERENCE = 1e-4
DECIMALS = 4


def to_onnx(network: LegNet) -> bytes:
    """Return the network in the ONNX format, for any number of crops."""
    file = io.BytesIO()
    torch.onnx.export(
        Exported(network).eval(),
        (torch.zeros(2, 3, INPUT_PX, INPUT_PX),),
        file,
        input_names=["crops"],
        output_names=["legs"],
        dynamic_axes={"crops": {0: "n"}, "legs": {0: "n"}},
        dynamo=False,
    )
    return file.getvalue()


def difference(network: LegNet, net: cv2.dnn.Net, pictures: np.ndarray) -> float:
    """Return by how much torch and OpenCV differ at most on crops, shape (n, 96, 96, 3), in batches of several sizes."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        wanted = Exported(network).eval()(x).numpy()
    batches = [evaluate.outputs(net, pictures), *(evaluate.outputs(net, pictures[:size]) for size in (1, 2, 3))]
    return max(float(np.abs(said - wanted[: len(said)]).max()) for said in batches)


def counts(set_: crops.Crops) -> dict[str, object]:
    """Return how many crops a set has and of how many people, and which bodies and shoes are in it."""
    return {
        "crops": len(set_),
        "readable": int((set_.readable == 1).sum()),
        "people": len(set(set_.table["person"])),
        "cameras": len(set(set_.table["camera"])),
        "bodies": sorted(set(set_.table["body"])),
        "shoes": sorted(set(set_.table["shoe"])),
    }


def main() -> None:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="what training/train.py wrote")
    parser.add_argument("--check", type=Path, required=True, help="table of crops of other people: scales the stated errors")
    parser.add_argument("--trained-on", nargs="+", type=Path, required=True, help="tables of crops it learned from, to count")
    parser.add_argument("--version", default="1", help="of the network, a whole number; 0 is not shipped (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=evaluate.WEIGHTS, help="file for the network (default: the shipped one)")
    asked = parser.parse_args()
    network = LegNet()
    network.load_state_dict(torch.load(asked.weights, weights_only=True))
    check = crops.read([asked.check])
    target = evaluate.truth(check)
    as_trained = cv2.dnn.readNetFromONNX(np.frombuffer(to_onnx(network.eval()), np.uint8))
    with torch.no_grad():
        network.out.bias[23] += evaluate.strictness(evaluate.outputs(as_trained, target.pictures), check.readable)
    data = to_onnx(network)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    off = difference(network, net, target.pictures[:300])
    if not off <= LARGEST_DIFFERENCE:
        raise SystemExit(f"OpenCV and torch differ by {off:.1e}; nothing was written.")
    scale = evaluate.error_scale(evaluate.outputs(net, target.pictures), target, check.readable)
    card = {
        "version": asked.version,
        "sha256": hashlib.sha256(data).hexdigest(),
        "error_scale": [round(float(factor), DECIMALS) for factor in scale],
        "trained_on": counts(crops.read(asked.trained_on)),
        "checked_on": counts(check),
    }
    asked.out.write_bytes(data)
    asked.out.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    print(f"{asked.out}: {len(data)} bytes, differs from torch by at most {off:.1e}; error scale {card['error_scale']}")


if __name__ == "__main__":
    main()
