"""Result and history in the page: the numbers of reps.csv, changes kept in the log, curve and video tied, deleting asked for."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, Request, build_opener

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import FIXTURES, PATIENT_S, environment, frame_number, needs, numbered_clip, run_main, stop, wait_until
from made_sessions import cut_off, repetition, rows_of, session_of, write
from playwright.sync_api import Error
from test_pictures import is_open

import rotrack
from rotrack.app.pages.session import Videos
from rotrack.core.drills import load_table
from rotrack.core.model import Direction, Side
from rotrack.progress.change import read_progress
from rotrack.progress.sample import write_sample
from rotrack.records.changes import delete_session
from rotrack.report.content import make_report
from rotrack.report.files import write_report
from rotrack.report.html import html_of
from rotrack.report.pdf import pdf_of
from rotrack.texts import Texts

LEFT, RIGHT = Side
CHROMIUM = shutil.which("chromium")
NUMBER = r"(index )?([\d.]+) \u00b1 ([\d.]+)"
FPS = 25.0
COOKIES = CookieJar()
ASK = build_opener(HTTPCookieProcessor(COOKIES)).open
"""Asks a page that is served, as one that was let in."""


# ---------------------------------------------------------------------- a data folder and the program on it
def measured(data: Path, fixture: str, person: str) -> str:
    """Measure a recorded session as this person's."""
    source = data.parent / f"{fixture}-of-{person}"
    shutil.copytree(FIXTURES / fixture, source)
    info = json.loads((source / "session.json").read_text("utf-8"))
    (source / "session.json").write_text(json.dumps({**info, "person": person}), "utf-8")
    return rotrack.remeasure(source, data).id


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data of Ana, who did much, of Ben, who did little, and of nobody in particular."""
    data = tmp_path_factory.mktemp("page") / "data"
    for number, peak in ((1, 20.0), (2, 24.0), (3, 22.0)):
        write(data, number, tuple(repetition(i, peak + i, side) for side in Side for i in (1, 2)), sides=tuple(Side))
    cut_off(data, 4, tuple(repetition(i, 23.0 + i, side) for side in Side for i in (1, 2)))
    write(data, 5, (repetition(1, 30.0, hold_s=4.0), repetition(2, 31.0, hold_s=6.0)), drill="zst-confidence", tier="D")
    write(data, 6, (repetition(1, -50.0, RIGHT),), drill="lunge-external", tier="C", band="red")
    write(data, 7, person="Ben")
    write(data, 8, person="")
    torn = data / "sessions" / "20260109-080000-seated-internal-torn"
    torn.mkdir()
    (torn / "session.json").write_text('{"session_id": ', "utf-8")
    return data


@pytest.fixture(scope="module")
def filmed(data: Path) -> str:
    """Return a measured session of both directions with a video, whose pictures bear their numbers."""
    session_id = measured(data, "combined_left", "Ana")
    length_s = session_of(data, session_id).record.duration_s
    numbered_clip(data / "sessions" / session_id / "annotated.mkv", round(length_s * FPS), FPS)
    return session_id


@contextmanager
def served(data: Path, *more: str) -> Iterator[str]:
    """Serve data as `rotrack app` does; return the address."""
    command = [sys.executable, "-m", "rotrack", "app", "--no-open", "--out", str(data), "--camera", str(data / "none.mp4"), *more]
    env = environment(data)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=env) as program:
        try:
            assert program.stderr is not None
            said = program.stderr.readline()
            found = re.search(r"(http://[\d.:]+)/\S+", said)
            assert found, said + program.stderr.read()
            ASK(found[0], data=b"", timeout=PATIENT_S).close()
            yield found[1]
        finally:
            stop(program)


@pytest.fixture(scope="module")
def page(data: Path, filmed: str) -> Iterator[str]:
    """Serve the data; return the address."""
    with served(data) as address:
        yield address


def fetched(address: str) -> bytes:
    with ASK(address, timeout=PATIENT_S) as answer:
        return answer.read()


def frame_at(page: str, session_id: str, time_s: float | str) -> int:
    jpeg = fetched(f"{page}/session/{session_id}/picture?t={time_s}")
    return frame_number(cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))


# ---------------------------------------------------------------------- without a browser
def test_pictures_of_the_video_come_by_their_time(page, filmed):
    assert [frame_at(page, filmed, number / FPS) for number in (0, 40, 41, 7)] == [0, 40, 41, 7]


@pytest.mark.parametrize(
    "name", ["20260101-080000-seated-internal-0001", "none", "..", quote("../x", safe=""), "a" * 300, "%00", ""]
)
def test_there_is_no_picture_without_a_video(page, name):
    with pytest.raises(HTTPError) as refused:
        fetched(f"{page}/session/{name}/picture?t=1")
    assert refused.value.code in (404, 422)


@pytest.mark.parametrize(
    ("time", "number"), [("1e308", -1), ("inf", -1), ("-1e308", 0), ("-inf", 0), ("nan", 0), ("", None), ("x", None)]
)
def test_an_odd_time_is_the_first_or_the_last_or_refused(page, data, filmed, time, number):
    address = f"{page}/session/{filmed}/picture?t={time}"
    if number is None:
        with pytest.raises(HTTPError) as refused:
            fetched(address)
        assert refused.value.code == 422
    else:
        last = round(session_of(data, filmed).record.duration_s * FPS) - 1
        assert frame_at(page, filmed, time) == (last if number else 0)


def test_there_is_no_picture_of_a_session_that_was_deleted(page, data, filmed):
    gone = write(data, 27, person="Gone")
    shutil.copy(data / "sessions" / filmed / "annotated.mkv", data / "sessions" / gone)
    assert frame_at(page, gone, 1.0) == FPS
    delete_session(data, gone)
    with pytest.raises(HTTPError) as refused:
        fetched(f"{page}/session/{gone}/picture?t=1")
    assert refused.value.code == 404


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_videos_are_closed_before_they_are_deleted(data, filmed):
    videos = Videos(data)
    pictures = videos.of(filmed)
    pictures.at(0.0)
    assert videos.of(filmed) is pictures
    videos.forget("none", filmed)
    assert not is_open(pictures.path)
    assert videos.of(filmed) is not pictures


def test_a_name_too_long_for_a_session_is_explained(page):
    assert "There is no session" in fetched(f"{page}/session/{'a' * 300}").decode()


def test_the_table_is_that_of_the_history(page, data):
    rows = list(csv.DictReader(io.StringIO(fetched(f"{page}/history.csv?person=Ana&drill=seated-internal").decode("utf-8-sig"))))
    assert [row["session_id"][:8] for row in rows] == [f"202601{n:02}" for n in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert rows[-1]["status"] == "interrupted"
    assert [float(row["value_deg"]) for row in rows] == [21.5, 21.5, 25.5, 25.5, 23.5, 23.5, 24.5, 24.5]
    everybody = fetched(f"{page}/history.csv").decode("utf-8-sig")
    assert {row["person"] for row in csv.DictReader(io.StringIO(everybody))} == {"Ana", "Ben", ""}
    nobody = fetched(f"{page}/history.csv?person=")
    assert {row["person"] for row in csv.DictReader(io.StringIO(nobody.decode("utf-8-sig")))} == {""}


# ---------------------------------------------------------------------- what has changed
WEEKS = 8
SAID = {"within measurement error": "innerhalb des Messfehlers", "not enough sessions": "zu wenige Messungen"}


def weekly(data: Path, person: str, week: int, left: float, right: float, again: str = "", **changes: Any) -> str:
    """Log a session of that week with one peak per leg; `again` names the session whose movement it was measured from."""
    day = datetime(2025, 3, 3, 8, tzinfo=timezone(timedelta(hours=1))) + timedelta(weeks=week)
    reps = tuple(repetition(i, peak, side) for side, peak in ((LEFT, left), (RIGHT, right)) for i in (1, 2, 3))
    named = {"session_id": f"{day:%Y%m%d-%H%M%S}-seated-internal-{person[0]}{'again' if again else ''}", "person": person}
    read = {"remeasured_from": again, "remeasured_at": "2025-09-01T08:00:00+02:00"} if again else {}
    return write(data, 1, reps, started_at=day.isoformat(), sides=tuple(Side), **named, **read, **changes)


@pytest.fixture(scope="module")
def gina(data: Path) -> list[str]:
    """Return the sessions of Gina: the left leg grows, one session is calibrated, the last one was measured again."""
    ids = [
        weekly(data, "Gina", week, 20.0 + 2.5 * week, 30.0 + week % 2, calibration="camera" if week == 4 else "none")
        for week in range(WEEKS)
    ]
    return [*ids, weekly(data, "Gina", WEEKS - 1, 44.0, 32.5, again=ids[-1])]


def texts_in(page: str, query: str, language: str = "en") -> list[str]:
    """Return the texts of the history page, in their order."""
    with ASK(Request(f"{page}/history?{query}", headers={"Accept-Language": language}), timeout=PATIENT_S) as answer:
        found = re.findall(r'"text":("(?:[^"\\]|\\.)*")', answer.read().decode())
    return [json.loads(text) for text in found]


def as_the_terminal_has_it(data: Path, monkeypatch: Any, capfd: Any, *filters: str) -> dict[str, Any]:
    """Return what `rotrack progress --json` prints."""
    ended = run_main(monkeypatch, capfd, "progress", *filters, "--json", "--out", data)
    assert (ended.code, ended.err.count("Note:")) == (0, 1), "the session that is torn"
    return json.loads(ended.out)


def line_in(change: dict[str, Any], language: str) -> list[str]:
    """Return the line of the table that belongs to a change as the terminal has it."""
    minus = "\u2212"
    grown, error, slope = change["change_deg"], change["error_deg"], change["slope"]
    to = "bis" if language == "de" else "to"
    if change["verdict"] == "real change":
        day = date.fromisoformat(change["confirmed"])
        told = {"de": "\u25b2 echter Zuwachs, best\u00e4tigt am", "en": "\u25b2 real gain, confirmed on"}
        verdict = f"{told[language]} {Texts(language).date(day, short=True)}"
    else:
        verdict = SAID[change["verdict"]] if language == "de" else change["verdict"]
    interval = f"95 %: {slope['low_deg']:+.1f} {to} {slope['high_deg']:+.1f}".replace(" ", "\u00a0")
    line = [
        str(len(change["points"])),
        f"{change['baseline_deg']:.1f}\u00b0",
        f"{change['now_deg']:.1f}\u00b0",
        f"{grown:+.1f}\u00a0\u00b1\u00a0{error:.1f}\u00b0".replace("-", minus),
        f"{change['real_from_deg']:.1f}\u00b0",
        f"{slope['per_month_deg']:+.1f}\u00b0 ({interval})".replace("-", minus),
    ]
    return [*(text.replace(".", ",") if language == "de" else text for text in line), verdict]


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_has_changed_is_as_the_terminal_has_it(page, data, gina, language, monkeypatch, capfd):
    texts = texts_in(page, "person=Gina&drill=seated-internal", language)
    document = as_the_terminal_has_it(data, monkeypatch, capfd, "-p", "Gina", "-d", "seated-internal")
    legs = [change["side"] for change in document["changes"]]
    assert legs == ["left", "right"]
    assert {change["verdict"] for change in document["changes"]} == {"real change", "within measurement error"}
    for change in document["changes"]:
        assert len(change["points"]) == WEEKS - 1
        line = line_in(change, language)
        at = texts.index(line[5])
        assert texts[at - 5 : at + 2] == line
    (sides,) = document["sides"]
    assert (sides["clear"], sides["unconfirmed"], sides["sessions"]) == (False, False, 3)
    words = f"{sides['difference_deg']:.1f}\u00a0\u00b1\u00a0{sides['error_deg']:.1f}\u00b0"
    if language == "de":
        assert any(f"von {words.replace('.', ',')}, im Mittel über 3 Messungen" in text for text in texts)
        assert "1 Messung mit der Kalibrierung \u201eKamera\u201c" in texts
        assert "1 Messung ausgelassen: neu ausgewertet; es z\u00e4hlt eine andere Auswertung." in texts
    else:
        assert any(f"They differ by {words}, in the mean of 3 sessions: within" in text for text in texts)
        assert "1 session with calibration camera" in texts
        assert texts[texts.index("Good to know:") + 1 :][: len(document["notes"])] == document["notes"]


def test_result_says_what_the_history_says(page, data, gina):
    texts = texts_in(page, "person=Gina&drill=seated-internal")
    line = next(text for text in texts if text.startswith("Left against right"))
    gain = next(text for text in texts if "real gain" in text).removeprefix("\u25b2 ")
    result = fetched(f"{page}/session/{gina[-1]}").decode()
    assert line.partition(": ")[2] in result
    assert f": {gain}." in result


def test_result_and_history_keep_the_same_sessions_apart(page, data):
    """A passive session and one of a wrong clock, both far off: neither enters what the latest session says."""
    for week in range(6):
        latest = weekly(data, "Ida", week, 30.0 + week % 2, 32.0, number=2 * week + 1)
    passive = weekly(data, "Ida", -1, 70.0, 70.0, performed="passive")
    wrong = weekly(data, "Ida", -20, 70.0, 70.0, number=8)
    texts = texts_in(page, "person=Ida&drill=seated-internal")
    assert texts.count("within measurement error") == 2
    assert "1 session of passive movement" in texts
    assert any("contradict the order" in text for text in texts)
    assert fetched(f"{page}/session/{latest}").decode().count(": within measurement error.") == 2
    for apart in (passive, wrong):
        assert "Compared with your first sessions" not in fetched(f"{page}/session/{apart}").decode()


@pytest.mark.parametrize("typed", ["gina", " GINA ", "Gina "])
def test_any_spelling_of_a_name_opens_the_same_person(page, gina, typed):
    there = texts_in(page, "person=Gina&drill=seated-internal")
    assert texts_in(page, f"person={quote(typed)}&drill=seated-internal") == there
    assert fetched(f"{page}/history.csv?person={quote(typed)}") == fetched(f"{page}/history.csv?person=Gina")
    assert fetched(f"{page}/report.html?person={quote(typed)}") == fetched(f"{page}/report.html?person=Gina")


def test_a_new_name_like_a_known_one_is_asked_about(page, gina):
    for name, asked in (("Ginna", True), ("gina", False), ("Zacharias", False)):
        home = fetched(f"{page}/?person={name}").decode()
        assert (f"{name} is a new name. Did you mean Gina?" in home) is asked
        assert ('href":"/?person=Gina"' in home.replace(" ", "")) is True


def test_too_few_sessions_say_how_many_are_missing(page, data):
    for week in range(2):
        weekly(data, "Hana", week, 20.0, 30.0)
    assert "2 more sessions are needed to see whether something has changed." in texts_in(page, "person=Hana")
    weekly(data, "Hana", 2, 20.0, 30.0)
    texts = texts_in(page, "person=Hana", "de")
    assert texts.count("Nach einer weiteren Messung steht hier, ob sich etwas ver\u00e4ndert hat.") == 1  # once for both legs
    assert texts.count("zu wenige Messungen") == 2
    at = texts.index("zu wenige Messungen")
    assert texts[at - 5 : at] == ["3", "\u2013", "20,0\u00b0", "\u2013", "\u2013"]  # the mean of all three is no baseline yet
    assert not [text for text in texts if "Echt ab" in text and text != "Echt ab"]


@pytest.mark.parametrize("query", ["person=Ana&drill=", "person=&drill=seated-internal", "person=Ana&drill=zst-confidence"])
def test_nothing_is_said_of_change_where_nothing_can_be(page, query):
    assert "What has changed" not in texts_in(page, query)
    assert "What has changed" in texts_in(page, "person=Ana&drill=seated-internal")


def test_what_was_measured_again_is_listed_once(page, data, gina):
    original, again = gina[-2:]
    listed = fetched(f"{page}/history?person=Gina&drill=seated-internal").decode()
    assert f"/session/{again}" in listed
    assert f'/session/{original}"' not in listed
    assert "1 older reading of a session that was measured again is not listed." in listed
    rows = csv.DictReader(io.StringIO(fetched(f"{page}/history.csv?person=Gina").decode("utf-8-sig")))
    assert [row["session_id"] for row in rows] == [name for name in (*gina[:-2], again) for _ in Side]
    opened = fetched(f"{page}/session/{original}").decode()
    assert '"text":"37.5"' in opened  # who has its address still sees what it said then
    assert '"text":"44.0"' not in opened


def test_report_is_that_of_the_terminal(page, data, gina):
    before = set(data.rglob("*"))
    made = make_report(read_progress(data, "Gina"), "Gina", date.today(), rotrack.__version__)
    name = f"rotrack-report-gina-{date.today().isoformat()}"
    with ASK(f"{page}/report.html?person=Gina", timeout=PATIENT_S) as answer:
        assert answer.headers["Content-Disposition"] == f'inline; filename="{name}.html"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.read().decode() == html_of(made)
    with ASK(f"{page}/report.pdf?person=Gina", timeout=PATIENT_S) as answer:
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.pdf"'
        assert answer.read() == pdf_of(made)
    assert set(data.rglob("*")) == before  # nothing of it is kept
    assert {"Report", "Report as PDF"} <= set(texts_in(page, "person=Gina&drill="))
    assert "Report" not in texts_in(page, "person=&drill=seated-internal")


def test_letters_that_the_pdf_lacks_are_told_as_the_terminal_does(page, data, tmp_path):
    name = "Mei \u7f8e\u7389"
    weekly(data, name, 0, 20.0, 30.0)
    written = write_report(make_report(read_progress(data, name), name, date.today(), ""), tmp_path / "report.html")
    (told,) = written.notes
    assert "\u7389 \u7f8e" in told
    assert told in texts_in(page, f"person={quote(name)}")
    assert any("\u7389 \u7f8e" in text for text in texts_in(page, f"person={quote(name)}", "de"))
    assert not [text for text in texts_in(page, "person=Gina") if "PDF cannot show" in text]


@pytest.mark.slow
def test_what_there_is_little_of_is_shown_and_made_up_data_say_so(tmp_path):
    """Without a log there is neither report nor verdict, and the sessions are listed all the same."""
    data, made_up = tmp_path / "data", {"en": "These are made-up data for trying rotrack: nobody was measured."}
    made_up["de"] = "Erfundene Daten zum Ausprobieren: Niemand wurde gemessen."
    data.mkdir()
    with served(data) as page:
        assert "Nothing has been measured yet." in texts_in(page, "")
        newest = write_sample(data)[-1]
        assert {"Report", "What has changed"} <= set(texts_in(page, ""))
        for language, told in made_up.items():
            assert told in texts_in(page, "", language)
            with ASK(Request(f"{page}/session/{newest}", headers={"Accept-Language": language}), timeout=PATIENT_S) as answer:
                assert told in answer.read().decode()
        (data / "reps.csv").unlink()  # a view that nobody reads
        assert {"Report", "What has changed", "Sessions", "23 Mar 2026, 18:24", made_up["en"]} <= set(texts_in(page, ""))
        write(data, 1, ())  # nothing was counted
        texts = texts_in(page, "person=Ana")
        assert {"Sessions", "1 Jan 2026, 08:00"} <= set(texts)
        assert not {"Report", "What has changed"} & set(texts)
        assert not [text for text in texts if "There is no log" in text or "stands above" in text]
        shutil.rmtree(data / "sessions")
        assert "Nothing has been measured yet." in texts_in(page, "")


@pytest.mark.slow
def test_without_the_leg_network_the_drills_that_need_it_are_not_offered(page, tmp_path):
    drill, told = "drill/supine-straight-internal", "Not measured without the leg network"
    assert told not in fetched(page).decode()
    assert '"id":"start"' in fetched(f"{page}/{drill}").decode()
    with served(tmp_path, "--no-legnet") as without:
        assert fetched(without).decode().count(told) == sum(bool(drill.without_legnet) for drill in load_table().drills.values())
        left_out = fetched(f"{without}/{drill}").decode()
        assert f"{told}: with the legs up" in left_out
        assert '"id":"start"' not in left_out
        assert '"id":"start"' in fetched(f"{without}/drill/seated-internal").decode()


def test_only_the_sample_is_made_up(page, gina):
    assert not [text for text in texts_in(page, "person=Gina") if "Made-up" in text]


def test_report_has_a_name_that_every_system_takes(page, data):
    odd = 'Zo\u00eb "Z"/../z'
    weekly(data, odd, 0, 20.0, 30.0)
    with ASK(f"{page}/report.html?person={quote(odd, safe='')}", timeout=PATIENT_S) as answer:
        assert re.fullmatch(r'inline; filename="rotrack-report-zoe-z-z-[\d-]+\.html"', answer.headers["Content-Disposition"])
        assert "Zo\u00eb &quot;Z&quot;/../z" in answer.read().decode()


@pytest.mark.parametrize("path", ["report.html?person=Nobody", "report.pdf?person=", "report.html", "report.csv?person=Ana"])
def test_there_is_no_report_of_nobody(page, path):
    with pytest.raises(HTTPError) as refused:
        fetched(f"{page}/{path}")
    assert refused.value.code == 404
    assert refused.value.read() == b"There is no report of this person."


def test_report_is_guarded_as_every_page(page, gina):
    for headers in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(HTTPError) as refused:
            ASK(Request(f"{page}/report.pdf?person=Gina", headers=headers), timeout=PATIENT_S)
        assert refused.value.code == 403


# ---------------------------------------------------------------------- in the browser
class Window:
    """A browser window on the page, which must not complain."""

    def __init__(self, tab: Any, address: str) -> None:
        self.tab, self.address, self.complaints = tab, address, []
        tab.context.add_cookies([{"name": kept.name, "value": kept.value or "", "url": address} for kept in COOKIES])
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        tab.set_default_timeout(30_000)

    def open(self, path: str) -> None:
        """Open a page and wait until it is there."""
        try:
            self.tab.goto(self.address + path)
        except Error as error:
            if "ERR_ABORTED" not in error.message:  # a page that had missed the program was just loading itself again
                raise
            self.tab.goto(self.address + path)
        self.tab.wait_for_selector("h1")
        self.tab.wait_for_function("() => window.did_handshake")

    def text(self, selector: str) -> str:
        """Return what is to be read at a place."""
        return " ".join(self.tab.inner_text(selector).split())

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until it is to be read there."""
        what = "([s, t]) => document.querySelector(s)?.innerText.replace(/\\s+/g, ' ').includes(t)"
        self.tab.wait_for_function(what, arg=[selector, text])

    def number(self, selector: str) -> tuple[float, float]:
        """Return a value and its error."""
        found = re.search(NUMBER, self.text(selector))
        assert found, self.text(selector)
        return float(found.group(2)), float(found.group(3))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def window(chromium, page) -> Iterator[Window]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    window = Window(context.new_page(), page)
    yield window
    context.close()
    assert window.complaints == []


in_browser = [pytest.mark.slow, needs("chromium")]


def marked(test):
    for mark in in_browser:
        test = mark(test)
    return test


@marked
def test_numbers_are_those_of_reps_csv(window, data, filmed):
    window.open(f"/session/{filmed}")
    rows = rows_of(data, filmed)
    assert {*rows.direction} == set(Direction)
    for direction, group in rows.groupby("direction"):
        shown = window.tab.locator(f".leg-result.left.{direction} .rep .amount").all_inner_texts()
        expected = [f"{abs(p):.1f} \u00b1 {u:.1f}\u00b0" for p, u in zip(group.peak_deg, group.uncertainty_deg, strict=True)]
        assert shown == expected
        best = group[group.valid].head(5).assign(size=group.peak_deg.abs()).nlargest(3, "size")
        value = (round(best["size"].mean(), 1), round(best.uncertainty_deg.mean(), 1))
        assert window.number(f".leg-result.left.{direction} .value") == pytest.approx(value, abs=0.051)
        used = window.tab.locator(f".leg-result.left.{direction} .rep:has(.used:not(.no)) .amount").all_inner_texts()
        assert sorted(used) == sorted(
            f"{s:.1f} \u00b1 {u:.1f}\u00b0" for s, u in zip(best["size"], best.uncertainty_deg, strict=True)
        )


@marked
def test_a_repetition_is_dropped_and_counts_again_by_keyboard(window, data):
    session_id = write(
        data, 20, (repetition(1, 20.0), repetition(2, 30.0), repetition(3, 40.0), repetition(1, 30.0, RIGHT)), person="Cleo"
    )
    window.open(f"/session/{session_id}")
    assert window.number(".leg-result.left .value") == (30.0, 4.0)
    assert "differ by 0.0 \u00b1 10.4\u00b0" in window.text(".against")
    button = window.tab.get_by_role("button", name="Leave out: Repetition 3, left leg, internal rotation")
    button.focus()
    window.tab.keyboard.press("Enter")
    window.wait_for_text(".leg-result.left .value", "25.0 \u00b1 4.0\u00b0")
    assert "dropped" in window.tab.locator(".leg-result.left .rep").nth(2).get_attribute("class").split()
    assert "differ by 5.0 \u00b1 10.4\u00b0" in window.text(".against")
    assert list(rows_of(data, session_id).dropped) == [False, False, True, False]
    again = "Count again: Repetition 3, left leg, internal rotation"
    assert window.tab.evaluate("document.activeElement.getAttribute('aria-label')") == again
    window.tab.keyboard.press("Space")
    window.wait_for_text(".leg-result.left .value", "30.0 \u00b1 4.0\u00b0")
    assert list(rows_of(data, session_id).dropped) == [False] * 4
    for rep in (1, 2, 3):
        window.tab.get_by_role("button", name=f"Leave out: Repetition {rep}, left leg").click()
    window.wait_for_text(".leg-result.left", "no valid repetition")
    assert window.text(".leg-result.left .value") == "\u2013"
    assert Texts()("result.sides_one") in window.text(".against")


@marked
def test_both_ways_together_follow_what_counts(window, data):
    reps = (repetition(1, 20.0), repetition(2, 30.0), repetition(1, -40.0), repetition(1, -10.0, RIGHT))
    window.open(f"/session/{write(data, 22, reps, drill='seated-combined', person='Cleo')}")
    assert "left leg: 65.0 \u00b1 5.7\u00b0, ratio of internal to external rotation 0.62 \u00b1 0.12" in window.text(".both-ways")
    window.tab.get_by_role("button", name="Leave out: Repetition 1, left leg, internal rotation").click()
    window.wait_for_text(".both-ways", "left leg: 70.0 \u00b1 5.7\u00b0")
    window.tab.get_by_role("button", name="Leave out: Repetition 1, left leg, external rotation").click()
    window.wait_for_text(".both-ways", "left leg: the total needs a valid repetition in both directions.")


@marked
def test_faults_are_told_in_words(window, data):
    bad = repetition(2, 35.0, valid=False, faults=("T", "K"), reason="fault:letter=T")
    half = repetition(3, 33.0, reason="half:direction=external")
    session_id = write(data, 21, (repetition(1, 30.0, speed_deg_s=41.3, hold_s=0.82), bad, half), person="Cleo")
    window.open(f"/session/{session_id}")
    rows = window.tab.locator(".leg-result.left .rep")
    assert rows.nth(0).locator(".why").inner_text() == "41\u00b0/s \u00b7 held 0.8 s"
    assert rows.nth(1).locator(".why").inner_text().split(" \u00b7 ")[0].lower() == "not valid"
    for letter in "TK":
        assert f"{letter} {load_table().faults[letter].title}" in rows.nth(1).inner_text()
    assert rows.nth(1).inner_text().lower().count(load_table().faults["T"].title.lower()) == 1
    assert "no external excursion with it" in rows.nth(2).inner_text()


@marked
def test_compared_with_the_last_like_session(window, data):
    window.open("/session/20260104-080000-seated-internal-0004")
    assert "cut off" in window.text(".notice")
    before = window.text(".leg-result.left .before")
    assert "3 January 2026: 23.5 \u00b1 4.0\u00b0" in before
    assert "Compared with your first sessions +1.0 \u00b1" in before
    assert "within measurement error." in before
    dots = window.tab.get_attribute(".leg-result.left .dots", "aria-label")
    assert re.findall(r"[\d.]+ \u00b1", dots) == ["21.5 \u00b1", "25.5 \u00b1", "23.5 \u00b1", "24.5 \u00b1"]
    window.tab.click(".leg-result.left .before a")
    window.tab.wait_for_url("**/session/20260103*")


@marked
def test_index_and_stretch_are_no_degrees(window):
    window.open("/session/20260106-080000-lunge-external-0006")
    assert window.text(".leg-result.right .value") == "index 50.0 \u00b1 4.0"
    assert "\u00b0" not in window.text(".result .direction")
    window.open("/session/20260105-080000-zst-confidence-0005")
    assert window.text(".leg-result.left .value") == "2 cycles"
    assert "longest hold 6.0 s, 10.0 s in all" in window.text(".leg-result.left")
    window.tab.get_by_role("button", name="Leave out: Cycle 2").click()
    window.wait_for_text(".leg-result.left .value", "1 cycle")
    assert "longest hold 4.0 s, 4.0 s in all" in window.text(".leg-result.left")
    window.tab.get_by_role("button", name="Count again: Cycle 2").click()
    window.wait_for_text(".leg-result.left .value", "2 cycles")


@marked
def test_published_values_stand_apart(window):
    window.open("/session/20260101-080000-seated-internal-0001")
    assert "Not a target and not a diagnosis" in window.text(".norms")
    assert window.tab.locator(".norms tbody tr").count() >= 1
    window.open("/session/20260106-080000-lunge-external-0006")
    assert window.tab.locator(".norms").count() == 0


@marked
def test_notes_and_load_are_kept_when_a_field_is_left(window, data):
    session_id = write(data, 22, person="Cleo")
    window.open(f"/session/{session_id}")
    for field, typed in (("note", "a stiff knee, \u00e4hem"), ("band", "red"), ("load_kg", "1,25")):
        window.tab.fill(f"#{field}", typed)
        window.tab.keyboard.press("Tab")
        window.wait_for_text(f"#{field}-saved", "Saved")
    row = rows_of(data, session_id).iloc[0]
    assert (row.note, row.band, row.load_kg) == ("a stiff knee, \u00e4hem", "red", 1.25)
    for typed, said in (("heavy", "cannot be read"), ("-3", "must be from 0 to 500 kg")):
        window.tab.fill("#load_kg", typed)
        window.tab.keyboard.press("Tab")
        window.wait_for_text("#load_kg-saved", said)
    window.tab.click(".notes details summary")
    window.tab.select_option("#performed", "passive")
    window.wait_for_text("#performed-saved", "Saved")
    assert session_of(data, session_id).record.performed == "passive"
    assert session_of(data, session_id).record.note == "a stiff knee, \u00e4hem"
    window.tab.get_by_role("button", name="Leave out: Repetition 1").click()
    window.wait_for_text(".leg-result.left", "Left out")
    assert window.tab.input_value("#band") == "red"  # a change elsewhere leaves the fields alone


@marked
def test_a_note_is_kept_while_it_is_typed(window, data):
    """Whoever closes the tab has not left the field."""
    session_id = write(data, 19, person="Cleo")
    window.open(f"/session/{session_id}")
    window.tab.focus("#note")
    window.tab.keyboard.type("half a senten")
    assert wait_until(lambda: session_of(data, session_id).record.note == "half a senten", PATIENT_S)
    assert window.tab.evaluate("document.activeElement.id") == "note"


@marked
def test_a_result_is_printed_without_its_buttons_and_with_its_bars(window, data):
    session_id = write(data, 18, person="Cleo")
    window.open(f"/session/{session_id}")
    buttons = window.tab.locator("button:visible, a.button:visible")
    assert buttons.count() > 3
    window.tab.emulate_media(media="print")
    assert buttons.count() == 0
    beams = window.tab.locator(".rep .beam").all()
    assert len(beams) == 4
    for beam in beams:
        assert beam.evaluate("(bar) => getComputedStyle(bar).printColorAdjust") == "exact"
        assert beam.bounding_box()["width"] > 10


@marked
def test_curve_and_video_are_tied(window, filmed):
    window.open(f"/session/{filmed}")
    window.tab.wait_for_function("() => document.querySelector('.cursor').style.transform")
    plot, output = window.tab.locator(".filmed .js-plotly-plot"), ".film output"
    plot.scroll_into_view_if_needed()
    image = "document.querySelector('.film img')"
    shown = f"() => {image}.complete && Number(new URL({image}.src).searchParams.get('t'))"
    place = "() => { const x = document.querySelector('.js-plotly-plot')._fullLayout.xaxis; return [x._offset, x.d2p(3)] }"
    offset, at = window.tab.evaluate(place)
    plot.click(position={"x": offset + at, "y": 120})
    window.wait_for_text(output, "3.0 s")
    window.tab.wait_for_function(f"() => Math.abs(({shown})() - 3) < 0.05")
    line = window.tab.evaluate("() => new DOMMatrix(getComputedStyle(document.querySelector('.cursor')).transform).e")
    assert line == pytest.approx(offset + at, abs=1.5)

    window.tab.focus(".film input")
    window.tab.keyboard.press("ArrowRight")
    window.tab.wait_for_function(f"() => Math.abs(({shown})() - {3 + 1 / FPS}) < 0.03")

    window.tab.click(".film .play")
    window.wait_for_text(".film .play", "Pause")
    window.tab.wait_for_function(f"() => ({shown})() > 4")
    window.tab.click(".film .play")
    window.wait_for_text(".film .play", "Play")
    stands = window.text(output)
    window.tab.wait_for_timeout(300)
    assert window.text(output) == stands

    moved = "() => new DOMMatrix(getComputedStyle(document.querySelector('.cursor')).transform).e"
    before = window.tab.evaluate(moved)
    window.tab.get_by_role("button", name="Leave out: Repetition 1, left leg, internal").click()
    window.wait_for_text(".leg-result.left.internal .rep", "Left out")
    crossed = "() => document.querySelectorAll('.traceleft-internal .points path').length > 0"
    window.tab.wait_for_function(crossed)
    assert window.tab.evaluate(moved) == pytest.approx(before, abs=1.5)  # drawn anew, the line stays
    window.tab.get_by_role("button", name="Count again: Repetition 1, left leg, internal").click()
    window.wait_for_text(".leg-result.left.internal .value", "\u00b1")


@marked
def test_history_keeps_person_and_drill_in_the_address(window, filmed):
    window.open("/history")
    assert window.tab.input_value("#person") in ("Ana", "Cleo")
    window.tab.select_option("#person", "Ana")
    window.tab.select_option("#drill", "seated-internal")
    window.tab.wait_for_url("**/history?person=Ana&drill=seated-internal")
    window.wait_for_text(".sessions tbody tr", "4 Jan 2026, 08:00")
    rows = window.tab.locator(".sessions tbody tr")
    assert rows.count() == 4
    assert "interrupted" in rows.first.inner_text()
    values = [rows.nth(i).locator("td.amount").first.inner_text().replace("\u00a0", " ") for i in range(4)]
    assert values == ["24.5 \u00b1 4.0\u00b0", "23.5 \u00b1 4.0\u00b0", "25.5 \u00b1 4.0\u00b0", "21.5 \u00b1 4.0\u00b0"]
    window.tab.wait_for_selector(".curve .points path")
    window.tab.reload()
    window.wait_for_text(".sessions tbody tr", "4 Jan 2026, 08:00")
    assert (window.tab.input_value("#person"), window.tab.input_value("#drill")) == ("Ana", "seated-internal")
    window.tab.select_option("#drill", "")
    window.wait_for_text(".sessions", "Lunge")
    assert "2 cycles, 10.0 s" in window.text(".sessions table")
    assert "index 50.0 \u00b1 4.0" in window.text(".sessions table")
    window.tab.select_option("#person", "Ben")
    window.wait_for_text(".sessions tbody tr", "7 Jan 2026, 08:00")
    window.tab.select_option("#person", "")
    window.wait_for_text(".sessions tbody tr", "8 Jan 2026, 08:00")
    assert not window.tab.locator("button.danger:visible").count()  # nobody is deleted by no name
    assert "1 session cannot be read" in window.text("details.damaged")
    window.tab.click("details.damaged summary")
    assert "seated-internal-torn" in window.text("details.damaged")
    window.tab.select_option("#person", "Ana")
    window.wait_for_text(".sessions tbody tr", "4 Jan 2026, 08:00")
    with window.tab.expect_download() as download:
        window.tab.get_by_role("link", name="Export CSV").click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert {row["person"] for row in csv.DictReader(io.StringIO(text))} == {"Ana"}


@marked
def test_what_has_changed_follows_what_was_chosen(window, gina):
    window.open("/history?person=Gina&drill=seated-internal")
    rows = window.tab.locator(".changes tbody tr")
    for number, side in enumerate(("Left", "Right")):
        assert rows.nth(number).inner_text().startswith(f"{side} leg, internal")
    assert "real gain, confirmed on" in rows.first.inner_text()
    assert "within measurement error" in rows.nth(1).inner_text()
    assert window.tab.evaluate("document.querySelector('.changes').getBoundingClientRect().bottom") <= window.tab.evaluate(
        "document.querySelector('.over-time').getBoundingClientRect().top"
    )
    window.tab.select_option("#drill", "")
    window.wait_for_text(".over-time", "Choose one drill")
    assert window.tab.locator(".changes").count() == 0
    window.tab.select_option("#drill", "seated-internal")
    window.wait_for_text(".changes", "Left against right")
    window.tab.select_option("#person", "Ben")
    window.wait_for_text(".changes", "3 more sessions are needed")
    with window.tab.expect_popup() as opened:
        window.tab.get_by_role("link", name="Report (opens in a new tab)", exact=True).click()
    report = opened.value
    report.wait_for_url("**/report.html?person=Ben")
    assert "Ben" in report.inner_text("h1")
    assert report.evaluate("window.opener") is None
    assert window.text("h1") == "History"


@marked
def test_the_time_that_the_figure_shows_can_be_chosen_and_left_for_an_earlier_one(window, gina):
    axis = "document.querySelector('.js-plotly-plot')?.layout?.xaxis?.range"
    ends = f"() => ({axis} ?? []).map((end) => Date.parse(end) / 864e5)"
    window.open("/history?person=Gina&drill=seated-internal")
    for span, days in (("Week", 7), ("Month", 31), ("Year", 366)):
        window.tab.get_by_role("button", name=span, exact=True).click()
        window.tab.wait_for_function(
            f"() => {{ const [a, b] = ({ends})(); return b - a > 0.9 * {days} - 2 && b - a < {days} + 3 }}"
        )
        assert window.tab.locator(".spans [aria-pressed=true]").inner_text() == span
    window.tab.get_by_role("button", name="Month", exact=True).click()
    window.tab.wait_for_function(f"() => {{ const [a, b] = ({ends})(); return b - a < 34 }}")
    latest = window.tab.evaluate(ends)
    window.tab.get_by_role("button", name="Earlier").click()
    window.tab.wait_for_function(f"(latest) => ({ends})()[1] < latest - 20", arg=latest[1])
    window.tab.reload()
    window.tab.wait_for_selector(".js-plotly-plot")
    assert window.tab.locator(".spans [aria-pressed=true]").inner_text() == "Month", "the address knows it"


@marked
def test_a_long_history_begins_with_the_latest(window, data):
    for number in range(1, 53):
        day = f"2025-{1 + number // 28:02}-{1 + number % 28:02}"
        session_id = f"{day.replace('-', '')}-080000-seated-internal-{number:04x}"
        write(data, 1, (repetition(1, 20.0),), person="Finn", session_id=session_id, started_at=f"{day}T08:00:00+01:00")
    window.open("/history?person=Finn")
    rows = window.tab.locator(".sessions tbody tr")
    assert rows.count() == 50
    assert "25 Feb 2025" in rows.first.inner_text()
    window.tab.get_by_role("button", name="Show all 52").click()
    window.wait_for_text(".sessions tbody tr:last-child", "2 Jan 2025")
    assert rows.count() == 52


@marked
def test_a_session_is_deleted_after_two_questions(window, data):
    kept, gone = (write(data, number, person="Dora") for number in (23, 24))
    numbered_clip(data / "sessions" / gone / "annotated.mkv", 10, FPS)
    window.open(f"/session/{gone}")
    window.tab.get_by_role("button", name="Delete this session").click()
    window.tab.locator("#delete-first button.danger").click()
    window.tab.keyboard.press("Enter")  # the focus is on the safe answer
    window.tab.wait_for_function("() => !document.querySelector('#delete-second').open")
    assert (data / "sessions" / gone).exists()
    window.tab.get_by_role("button", name="Delete this session").click()
    window.tab.locator("#delete-first button.danger").click()
    window.tab.locator("#delete-second button.danger").click()
    window.tab.wait_for_url("**/history?person=Dora*")
    window.wait_for_text(".sessions tbody", "23 Jan 2026")
    assert "24 Jan 2026" not in window.text(".sessions tbody")
    assert not (data / "sessions" / gone).exists()
    assert len(rows_of(data, gone)) == 0
    assert len(rows_of(data, kept)) == 4
    window.open(f"/session/{gone}")
    assert "There is no session" in window.text("#main")


@marked
def test_a_session_is_given_to_the_right_person(window, data):
    session_id = write(data, 27, person="")
    write(data, 28, person="Lea")
    window.open(f"/session/{session_id}")
    window.tab.locator("details.whose summary").click()
    window.tab.fill("#whose", "Leaa")
    window.tab.get_by_role("button", name="Move the session").click()
    window.tab.get_by_role("button", name="Yes, Lea").click()  # a slip of the finger makes no second person
    window.wait_for_text(".result .head", "Lea \u00b7")
    assert set(rows_of(data, session_id).person) == {"Lea"}
    window.tab.locator("details.whose summary").click()
    window.tab.get_by_role("button", name="Move the session").click()
    window.wait_for_text(".result .head", "no name \u00b7")
    assert not set(rows_of(data, session_id).person) & {"Lea", "Leaa"}


@marked
@pytest.mark.parametrize(("number", "also_first"), [(29, False), (30, True)])
def test_what_the_browser_alone_says_deletes_nothing(window, data, number, also_first):
    """A page that was tampered with, or a click that went astray: the program asks for both answers and the name."""
    session_id = write(data, number, person="Otto")
    window.open("/history?person=Otto")
    window.tab.eval_on_selector("#delete-second-yes", "button => (button.disabled = false)")
    window.tab.eval_on_selector("#delete-second input", "input => (input.value = 'Otto')")
    if also_first:
        window.tab.eval_on_selector("#delete-first button.danger", "button => button.click()")
        window.tab.eval_on_selector("#delete-second input", "input => (input.value = 'Otti')")
    window.tab.eval_on_selector("#delete-second button.danger", "button => button.click()")
    window.tab.select_option("#drill", "")  # the program answers in turn: by then it has heard the click
    window.tab.wait_for_url("**drill=")
    assert len(rows_of(data, session_id)) == 4


@marked
def test_a_person_is_deleted_after_the_name_was_typed(window, data):
    gone = [write(data, number, person="Emil") for number in (25, 26)]
    window.open("/history?person=Emil")
    window.tab.get_by_role("button", name="Delete everything about Emil").click()
    window.tab.locator("#delete-first button.danger").click()
    yes = window.tab.locator("#delete-second button.danger")
    assert yes.is_disabled()
    window.tab.fill("#delete-second input", "emil")
    assert yes.is_disabled()
    window.tab.fill("#delete-second input", "Emil")
    yes.click()
    window.tab.wait_for_url("**/history")
    window.tab.wait_for_selector("#person")
    assert "Emil" not in window.tab.eval_on_selector("#person", "e => [...e.options].map(o => o.value)")
    assert not [session_id for session_id in gone if (data / "sessions" / session_id).exists() or len(rows_of(data, session_id))]
    assert len(rows_of(data, "20260101-080000-seated-internal-0001")) == 4


@marked
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900), (3840, 2160)])
def test_pages_fit_the_window(window, filmed, gina, width, height):
    window.tab.set_viewport_size({"width": width, "height": height})
    for path in (f"/session/{filmed}", "/history?person=Gina&drill=seated-internal", "/history?person=Ana&drill="):
        window.open(path)
        window.tab.wait_for_timeout(500)
        assert window.tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@marked
def test_german_has_its_own_numbers_and_words(chromium, page):
    context = chromium.new_context(locale="de-DE")
    window = Window(context.new_page(), page)
    window.open("/session/20260103-080000-seated-internal-0003")
    assert window.text(".leg-result.left .value") == "23,5 \u00b1 4,0\u00b0"
    english = [word for word in ("leg", "repetition", "the", "error", "Note") if re.search(rf"\b{word}\b", window.text("#main"))]
    assert english == []
    window.open("/history?person=Ana&drill=seated-internal")
    assert "24,5 \u00b1 4,0\u00b0" in window.text(".sessions table")
    context.close()
    assert window.complaints == []


@marked
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(window, filmed, gina, scheme, width):
    window.tab.emulate_media(color_scheme=scheme)
    window.tab.set_viewport_size({"width": width, "height": 900})
    for path in (
        f"/session/{filmed}",
        "/session/20260105-080000-zst-confidence-0005",
        "/history?person=Ana&drill=",
        "/history?person=Gina",
    ):
        window.open(path)
        window.tab.wait_for_timeout(500)
        found = Axe().run(window.tab).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
