"""Questions in native dialogs: twice before something is deleted for good, once before what somebody is not to do.

The answers are checked here, not in the browser: nothing is done without both of them, or without the name that is to be typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from rotrack.app.pages.layout import tag


@dataclass(frozen=True, slots=True)
class Questions:
    """The words of two questions.

    Parameters
    ----------
    first, what, go : str
        The first question, what it is about, and the button that leads on.
    sure, yes : str
        The second question and the button that does it.
    keep : str
        The button that leaves everything as it is.
    must_type, type_it : str
        A name that must be typed with the second question, and the words that ask for it; empty if none.
    """

    first: str
    what: str
    go: str
    sure: str
    yes: str
    keep: str
    must_type: str = ""
    type_it: str = ""


def ask_once(
    button: Element, name: str, question: str, what: str, yes: str, no: str, then: Callable[[], Awaitable[None]]
) -> None:
    """Let a button ask a question, and go on if the answer is yes.

    Parameters
    ----------
    button : Element
        What the person presses.
    name : str
        Id of the dialog in the page.
    question, what, yes, no : str
        The question, what it is about, and the two answers.
    then : callable
        Called after yes.
    """
    button.on("click", js_handler=_opens(name))
    with tag("dialog", id=name, aria_labelledby=f"{name}-question"):
        tag("h2", question, id=f"{name}-question")
        tag("p", what)
        with tag("div", classes="buttons"):
            tag("button", no, autofocus=True).on("click", js_handler=_closes(name))
            tag("button", yes, "danger").on("click", then, js_handler=f"() => {{ ({_closes(name)})(); emit() }}")


def ask_twice(button: Element, name: str, words: Questions, then: Callable[[], Awaitable[None]]) -> None:
    """Let a button ask two questions, and go on after the second.

    Parameters
    ----------
    button : Element
        What the person presses.
    name : str
        Id of the dialogs in the page.
    words : Questions
        What is asked.
    then : callable
        Called when both were answered with yes.
    """
    first, second = f"{name}-first", f"{name}-second"
    answers: list[str] = []

    def asked() -> None:
        answers[:] = ["go"]

    async def answered(event: GenericEventArguments) -> None:
        if not answers or (words.must_type and str(event.args).strip() != words.must_type):
            return
        answers.clear()
        await then()

    button.on("click", js_handler=_opens(first))
    with tag("dialog", id=first, aria_labelledby=f"{first}-question"):
        tag("h2", words.first, id=f"{first}-question")
        tag("p", words.what)
        with tag("div", classes="buttons"):
            tag("button", words.keep, autofocus=True).on("click", js_handler=_closes(first))
            go = tag("button", words.go, "danger")
            go.on("click", asked, js_handler=f"() => {{ ({_opens(second, instead_of=first)})(); emit() }}")
    with tag("dialog", id=second, aria_labelledby=f"{second}-question"):
        tag("h2", words.sure, id=f"{second}-question")
        if words.must_type:
            _name_field(second, words)
        with tag("div", classes="buttons"):
            tag("button", words.keep, autofocus=True).on("click", js_handler=_closes(second))
            yes = tag("button", words.yes, "danger full", id=f"{second}-yes", disabled=bool(words.must_type))
            typed = f"document.getElementById('{second}-name')?.value ?? ''"
            yes.on("click", answered, js_handler=f"() => {{ ({_closes(second)})(); emit({typed}) }}")


def _name_field(dialog: str, words: Questions) -> None:
    with tag("label", classes="field"):
        tag("span", words.type_it)
        field = tag("input", id=f"{dialog}-name", autocomplete="off", data_name=words.must_type)
        check = f"document.getElementById('{dialog}-yes').disabled = e.target.value.trim() !== e.target.dataset.name"
        field.on("input", js_handler=f"(e) => {{ {check} }}")


def _opens(dialog: str, instead_of: str = "") -> str:
    closing = f"document.getElementById('{instead_of}').close(); " if instead_of else ""
    return f"() => {{ {closing}document.getElementById('{dialog}').showModal() }}"


def _closes(dialog: str) -> str:
    return f"() => document.getElementById('{dialog}').close()"
