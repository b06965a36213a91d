"""Two people, two places: a programme goes home as a file, and the sessions come back as a file, to the right person."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from conftest import recording
from helpers import PATIENT_S, assert_one_sentence, run_main
from made_sessions import write
from page_helpers import Program, program

import rotrack
from rotrack.app.live.courses import plan_of
from rotrack.core.errors import InputError
from rotrack.exchange import parcel
from rotrack.exchange.parcel import packed, unpacked
from rotrack.people.changes import change_person
from rotrack.records.folders import locked
from rotrack.records.people import known_or_new, read_people
from rotrack.records.programmes import (
    Programme,
    ProgrammeStep,
    begin_course,
    find_course,
    new_id,
    parse_programme,
    programmes_folder,
    read_programmes,
    step_over,
    write_programme,
)
from rotrack.records.store import read_sessions
from rotrack.texts import Texts

DAYS = 5
FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
POSES = {"seated-internal": "internal_right", "seated-external": "external_right"}


@pytest.fixture
def practice(tmp_path: Path) -> Path:
    """Return the data of the practice, where two people have similar names."""
    data = tmp_path / "practice"
    with locked(data):
        ana = known_or_new(data, "Ana Silva")
        known_or_new(data, "Ana Silveira")
    change_person(data, ana, notes="since the operation")
    return data


def at_home(home: Path, file: Path) -> None:
    """Read a programme in, as the page does, and do it on several days, somewhat further each day."""
    found = parse_programme(json.loads(file.read_text("utf-8")))
    write_programme(home, replaced := Programme(id=new_id(found.title), title=found.title, steps=found.steps))
    assert replaced in read_programmes(home)[0]
    for day in range(DAYS):
        course = begin_course(home, replaced, "Ana", "full")
        while (step := course.next_step) is not None:
            request = plan_of(course, step, "Ana").request
            poses = [replace(pose, legs={}) for pose in recording(POSES[request.drill]).poses]
            asked = {"side": request.side, "person": request.person, "recorded_at": FIRST + timedelta(days=day, minutes=step)}
            session = rotrack.analyze(poses, request.drill, out=home, **asked)
            course = step_over(home, course.id, step, session.id)
        assert find_course(home, course.id).next_step is None


def test_a_programme_goes_home_and_the_results_come_back_to_the_right_person(tmp_path, practice, monkeypatch, capfd):
    steps = tuple(ProgrammeStep(drill=drill, sides="right") for drill in POSES)
    write_programme(practice, Programme(id="knees", title="For Ana", steps=steps))
    (file,) = programmes_folder(practice).iterdir()
    home = tmp_path / "home"
    at_home(home, file)

    results = tmp_path / "ana.zip"
    said = run_main(monkeypatch, capfd, "export", "--format", "sessions", "--person", "Ana", "--to", results, "--out", home)
    assert said.code == 0 and f"{2 * DAYS} sessions written" in said.err
    assert not any(name.endswith((".mkv", ".html")) for name in zipfile.ZipFile(results).namelist())

    taken = run_main(monkeypatch, capfd, "import", results, "--person", "ana silva", "--out", practice)
    assert taken.code == 0 and f"{2 * DAYS} sessions added, 0 already there" in taken.out
    sessions, problems = read_sessions(practice)
    assert problems == [] and {session.person for session in sessions} == {"Ana Silva"}
    at_home_too = {session.id: session for session in read_sessions(home)[0]}
    for session in sessions:
        there = at_home_too[session.id]
        assert (session.values, session.rep_list, session.record.started_at) == (
            there.values,
            there.rep_list,
            there.record.started_at,
        )
        assert session.curve.equals(there.curve)
    people = {person.name: person for person in read_people(practice)[0]}
    assert set(people) == {"Ana Silva", "Ana Silveira"} and people["Ana Silva"].notes == "since the operation"

    progress = run_main(monkeypatch, capfd, "progress", "--person", "Ana Silva", "--out", practice)
    assert progress.code == 0 and "seated-internal" in progress.out + progress.err
    again = run_main(monkeypatch, capfd, "import", results, "--person", "Ana Silva", "--out", practice)
    assert again.code == 0 and f"0 sessions added, {2 * DAYS} already there" in again.out


@pytest.mark.slow
def test_the_pages_give_and_take_the_same_file(tmp_path, practice):
    home = tmp_path / "home"
    write(home, 1, person="Ana")
    with program(home) as running:
        content = asked(running, "history.zip?person=Ana")
    with program(practice) as running:
        for added, there in ((1, 0), (0, 1)):
            told = asked(running, f"results/{quote('ana silva')}", content).decode()
            assert told == Texts("en")("people.results_in", count=added, there=there)
        with pytest.raises(HTTPError) as refused:
            asked(running, f"results/{quote('Ana Silva')}", content[:200])
        assert "is damaged or not a file of sessions" in refused.value.read().decode()
    assert [session.person for session in read_sessions(practice)[0]] == ["Ana Silva"]


def asked(running: Program, path: str, content: bytes | None = None) -> bytes:
    """Ask a page that is served, as a browser that was let in; with content that is put there."""
    ask = build_opener(HTTPCookieProcessor(CookieJar())).open
    ask(running.at(), data=b"", timeout=PATIENT_S).close()
    with ask(Request(running.url + path, content, method="GET" if content is None else "PUT"), timeout=PATIENT_S) as answer:
        return answer.read()


def test_sessions_of_several_people_are_not_given_to_one(tmp_path, monkeypatch, capfd):
    home, practice = tmp_path / "home", tmp_path / "practice"
    write(home, 1, person="Ana")
    write(home, 2, person="Ben")
    results = tmp_path / "all.zip"
    results.write_bytes(packed(home, read_sessions(home)[0]))
    refused = run_main(monkeypatch, capfd, "import", results, "--person", "Ana", "--out", practice)
    assert_one_sentence(refused, 2, "several people (Ana, Ben)")
    assert read_sessions(practice)[0] == []
    assert run_main(monkeypatch, capfd, "import", results, "--out", practice).code == 0
    assert [session.person for session in read_sessions(practice)[0]] == ["Ana", "Ben"]


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def test_only_what_rotrack_writes_is_unpacked(tmp_path):
    files = {
        "sessions/20260101-080000-seated-internal-0001/session.json": b"{}",
        "sessions/20260101-080000-seated-internal-0001/evil.sh": b"#!/bin/sh",
        "sessions/../../outside/session.json": b"{}",
        "sessions/.hidden/session.json": b"{}",
        "/sessions/a/session.json": b"{}",
        "people/1/person.json": b"{}",
        "people/1/courses/x.json": b"{}",
        "page.key": b"secret",
    }
    with unpacked(zipped(tmp_path / "a.zip", **files)) as data:
        found = sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file())
    assert found == ["people/1/person.json", "sessions/20260101-080000-seated-internal-0001/session.json"]
    assert not data.exists() and [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setitem(parcel._OF_SESSION, "session.json", 1000)
    bomb = zipped(tmp_path / "a.zip", **{"sessions/a/session.json": bytes(1_000_000)})
    with pytest.raises(InputError, match="larger than rotrack would have written"), unpacked(bomb):
        pass


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", None])
def test_what_is_no_parcel_is_told(tmp_path, content, monkeypatch, capfd):
    path = tmp_path / "a.zip"
    zipped(path, **{"readme.txt": b"hello"}) if content is None else path.write_bytes(content)
    told = run_main(monkeypatch, capfd, "import", path, "--out", tmp_path / "data")
    assert_one_sentence(told, 2, "a.zip")
