"""The package as it is handed over: layers, contents, size, metadata, and nothing of the machine that it was made on."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest
from helpers import ROOT, environment

import rotrack

LARGEST_BYTES = 40_000_000


def repository_files() -> list[Path]:
    """Return the files that belong to the repository; without git, those that an archive of it holds."""
    if (ROOT / ".git").exists():
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    hidden = re.compile(r"/(\.(?!ci/)|__pycache__|build/|dist/|\w+\.egg-info)")
    return [p for p in ROOT.rglob("*") if p.is_file() and not hidden.search("/" + p.relative_to(ROOT).as_posix())]


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_layers_hold(tmp_path: Path) -> None:
    """As `lint-imports` does, in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment(tmp_path), timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


@pytest.mark.parametrize(
    ("name", "at_least_bytes"),
    [
        ("sensing/models/pose_landmarker_heavy.task", 20_000_000),
        ("sensing/models/pose_landmarker_full.task", 5_000_000),
        ("sensing/models/NOTICE", 200),
        ("media/demo.mp4", 50_000),
        ("core/drills.toml", 5_000),
        ("py.typed", 0),
    ],
)
def test_the_package_holds_all_that_it_needs_at_run_time(name: str, at_least_bytes: int) -> None:
    file = resources.files("rotrack").joinpath(name)
    assert file.is_file()
    assert len(file.read_bytes()) >= at_least_bytes


def test_the_notice_names_both_models_and_their_licence() -> None:
    notice = resources.files("rotrack").joinpath("sensing/models/NOTICE").read_text("utf-8")
    assert "Apache" in notice
    assert "pose_landmarker_heavy" in notice
    assert "pose_landmarker_full" in notice


def test_no_file_is_too_large_to_be_kept() -> None:
    files = repository_files()
    assert len(files) > 30
    assert [f"{p}: {p.stat().st_size}" for p in files if p.stat().st_size > LARGEST_BYTES] == []


def test_no_file_knows_where_it_was_made() -> None:
    # In pieces, so that this file does not find itself.
    places = re.compile(rb"(?<![\w$}.\])])/(" + b"|".join([b"wor" + b"k", b"roo" + b"t", rb"home/\w+", rb"Users/\w+"]) + rb")/\w")
    found = []
    for path in repository_files():
        data = path.read_bytes()
        if b"\0" in data[:8000]:
            continue  # pictures, videos, models
        found += [f"{path.relative_to(ROOT)}: {m.group().decode()}" for m in places.finditer(data)]
    assert found == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [path for path in repository_files() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))]
    assert len(links) > 30
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_the_metadata_is_complete(project: dict[str, object]) -> None:
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    for name in (project["readme"], *project["license-files"]):
        assert (ROOT / name).is_file(), name
    assert len(project["description"]) > 30
    assert project["keywords"]
    assert project["authors"]
    classifiers = project["classifiers"]
    assert any(c.startswith("Development Status ::") for c in classifiers)
    assert any(c.startswith("Intended Audience ::") for c in classifiers)
    assert {"Typing :: Typed", "Operating System :: POSIX :: Linux"} <= set(classifiers)
    assert not any(c.startswith("License ::") for c in classifiers), "the licence has its own field"
    assert len(set(classifiers)) == len(classifiers)
    assert project["scripts"] == {"rotrack": "rotrack.__main__:main"}


def test_every_dependency_has_a_lower_and_an_upper_bound(project: dict[str, object]) -> None:
    loose = [d for d in project["dependencies"] if not re.search(r"==|>=.+,<", d)]
    assert loose == []


def test_every_library_that_is_imported_is_declared(project: dict[str, object]) -> None:
    """What comes with another library may go with it."""
    import ast

    imported = set()
    for path in (ROOT / "rotrack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module)
    packages = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) - {"rotrack"}
    optional = {"distributed", "dask"}
    homes = {name: {d.lower().replace("_", "-") for d in found} for name, found in metadata.packages_distributions().items()}
    declared = {re.split(r"[><=;\[]", line)[0].lower() for line in project["dependencies"]}
    lacking = {name for name in packages - optional if not homes.get(name, {name}) & declared}
    assert lacking == set()


def test_the_version_is_the_same_wherever_people_read_it(project: dict[str, object]) -> None:
    """pyproject.toml has it; whoever cites it or looks for what is new finds the same."""
    version = str(project["version"])
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.search(r"^version: (.*)$", cited, re.MULTILINE)[1] == version
    newest, dated = re.search(r"^## (\S+), (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE).groups()
    assert newest == version.partition(".dev")[0]
    assert (dated == "unreleased") == (".dev" in version)
    assert ".dev" in version or f"date-released: {dated}" in cited


def test_what_is_installed_is_this_version(project: dict[str, object]) -> None:
    assert rotrack.__version__ == metadata.version("rotrack") == project["version"]
    (entry,) = (e for e in metadata.entry_points(group="console_scripts") if e.name == "rotrack")
    assert entry.value == "rotrack.__main__:main"
    assert callable(entry.load())


def test_the_public_names_are_there() -> None:
    assert all(hasattr(rotrack, name) for name in rotrack.__all__)
    assert {"analyze", "remeasure", "load_session"} <= set(rotrack.__all__)


def test_every_module_says_what_it_is_for() -> None:
    import ast

    for path in (ROOT / "rotrack").rglob("*.py"):
        source = path.read_text("utf-8")
        if source.strip():
            assert ast.get_docstring(ast.parse(source)), path
