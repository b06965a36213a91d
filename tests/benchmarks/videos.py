"""Measures one clip in many containers, codecs, rates, shapes and with many tags: the same angles, or why not.

    python tests/benchmarks/videos.py [--only START]

The clip is the beginning of sample_videos/internal_right.mp4 with two repetitions; ffmpeg makes the others from it. Files that
ask to be turned or mirrored are made in tests/test_sources.py. A line per video: what was measured, or what was said. Exit 1
where angles differ from those of the clip itself without a word.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rotrack import analyze
from rotrack.core.errors import RotrackError
from rotrack.texts import Texts

CLIP = Path(__file__).parents[2] / "sample_videos" / "internal_right.mp4"
LENGTH_S, MOST_OFF_DEG = 7.5, 1.5
"""How far a peak may be off for what coding, scaling and other times of the frames do to the picture."""
H264 = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p")


@dataclass(frozen=True)
class Video:
    """How a video is made: the ending of its name, and what ffmpeg is told after and before the input."""

    ending: str
    args: tuple[str, ...] = H264
    before: tuple[str, ...] = ()


def _filtered(what: str, ending: str = "mp4") -> Video:
    return Video(ending, ("-vf", what, *H264))


VIDEOS = {
    # containers
    "mov": Video("mov"),
    "matroska": Video("mkv"),
    "avi": Video("avi", ("-c:v", "mpeg4", "-q:v", "3")),
    "transport stream": Video("ts"),
    "transport stream from 100 s on": Video("ts", (*H264, "-output_ts_offset", "100")),
    "camcorder": Video("mts", ("-c:v", "mpeg2video", "-q:v", "3", "-f", "mpegts")),
    "mpeg program stream": Video("mpg", ("-c:v", "mpeg2video", "-q:v", "3", "-r", "25")),
    "flash": Video("flv", ("-c:v", "flv1", "-q:v", "3")),
    "windows media": Video("wmv", ("-c:v", "wmv2", "-q:v", "3")),
    "ogg": Video("ogv", ("-c:v", "libtheora", "-q:v", "9")),
    "webm": Video("webm", ("-c:v", "libvpx-vp9", "-crf", "30", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "8")),
    "old phone": Video("3gp", ("-c:v", "h263", "-s", "352x288", "-q:v", "3")),
    "fragments": Video("mp4", (*H264, "-movflags", "frag_keyframe+empty_moov")),
    "index first": Video("mp4", (*H264, "-movflags", "faststart")),
    "animated picture": Video("gif", ("-r", "10")),
    # codecs
    "h265": Video("mp4", ("-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1")),
    "h265 of 10 bits": Video("mp4", ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le")),
    "h264 with all colours": Video("mp4", ("-c:v", "libx264", "-pix_fmt", "yuv444p")),
    "h264 without colours": Video("mp4", ("-vf", "format=gray", *H264)),
    "vp8": Video("mkv", ("-c:v", "libvpx", "-q:v", "5", "-b:v", "2M")),
    "av1": Video("mp4", ("-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "40", "-usage", "realtime", "-t", "2")),
    "prores": Video("mov", ("-c:v", "prores", "-profile:v", "0")),
    "motion jpeg": Video("mov", ("-c:v", "mjpeg", "-q:v", "3")),
    "lossless": Video("mkv", ("-c:v", "ffv1")),
    "raw": Video("avi", ("-c:v", "rawvideo", "-pix_fmt", "bgr24", "-r", "15")),
    # rates
    "10 frames per second": Video("mp4", ("-r", "10", *H264)),
    "15 frames per second": Video("mp4", ("-r", "15", *H264)),
    "23.976 frames per second": Video("mp4", ("-r", "24000/1001", *H264)),
    "60 frames per second, doubled": Video("mp4", ("-r", "60", *H264)),
    "changing rate": _filtered("select='not(between(mod(n,7),2,3))'", "mkv"),
    "changing rate in mp4": Video("mp4", ("-vf", "select='not(eq(mod(n,5),2))'", "-fps_mode", "vfr", *H264)),
    # shapes
    "wide pixels": _filtered("scale=480:480,setsar=4/3"),
    "high pixels": _filtered("scale=640:240,setsar=1/2", "mkv"),
    "half the size": _filtered("scale=320:240"),
    "full hd": _filtered("scale=1440:1080,pad=1920:1080:240:0"),
    "odd size": Video("mkv", ("-vf", "scale=641:481", "-c:v", "ffv1")),
    "portrait with borders": _filtered("pad=640:1136:0:328"),
    "interlaced": Video("mpg", ("-vf", "tinterlace=interleave_top", "-c:v", "mpeg2video", "-q:v", "3", "-r", "25")),
    # tags
    "on its side, no tag": _filtered("transpose=1"),
    "upside down, no tag": _filtered("hflip,vflip"),
    "with sound that is longer": Video("mp4", ("-f", "lavfi", "-i", "anullsrc", "-t", "9", *H264, "-c:a", "aac")),
    "trimmed without coding": Video("mp4", ("-c", "copy"), ("-ss", "0.5")),
    "a date far ahead": Video("mp4", (*H264, "-metadata", "creation_time=2089-01-01T00:00:00Z")),
}  # fmt: skip


def made(folder: Path, only: str) -> Iterator[tuple[str, Path | str]]:
    """Yield every video by name, or what ffmpeg lacks for it."""
    whole = folder / "clip.mp4"
    _ffmpeg(("-i", str(CLIP), "-t", str(LENGTH_S), "-c", "copy", str(whole)))
    yield "the clip itself", whole
    for number, (name, how) in enumerate(VIDEOS.items()):
        if not name.startswith(only):
            continue
        path = folder / f"{number}.{how.ending}"
        try:
            _ffmpeg((*how.before, "-i", str(whole), *how.args, str(path)))
        except subprocess.CalledProcessError as error:
            yield name, f"not made: {error.stderr.decode(errors='replace').strip().splitlines()[-1][:90]}"
            continue
        yield name, path


def _ffmpeg(args: tuple[str, ...]) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *args]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def peaks_of(video: Path, data: Path) -> tuple[list[float], list[str]]:
    """Measure a video and return the peaks of its repetitions, deg, and what was noted of the session."""
    session = analyze(video, "seated-internal", side="right", model="full", out=data)
    return [rep.peak_deg for rep in session.rep_list], [Texts().said(remark) for remark in session.remarks]


def main() -> None:
    """Measure all of them and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only videos whose names begin so")
    asked = parser.parse_args()
    same = said = wrong = 0
    truth: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        for name, video in made(Path(place), asked.only):
            if isinstance(video, str):
                print(f"{name:32s} {video}", flush=True)
                continue
            try:
                peaks, notes = peaks_of(video, Path(place) / "data")
            except RotrackError as error:
                said += 1
                print(f"{name:32s} told: {error}", flush=True)
                continue
            truth = truth or peaks
            off = len(peaks) != len(truth) or max(abs(a - b) for a, b in zip(peaks, truth, strict=True)) > MOST_OFF_DEG
            same, wrong = same + (not off), wrong + (off and not notes)
            how = "" if not off else " told" if notes else " WRONG"
            print(f"{name:32s} {' '.join(f'{peak:.1f}' for peak in peaks)}{how} {' '.join(notes)}", flush=True)
    print(f"{same + said + wrong} videos: {same} as the clip itself, {said} told why not, {wrong} wrong without a word")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
