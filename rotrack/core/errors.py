"""Everything that can go wrong for a person, as one small tree; every message says what to do.

RotrackError                 base class; the command line prints its message and exits with `exit_code`
├── InputError               the request cannot be carried out as asked (exit code 2)
│   ├── SourceError          a camera or video cannot be opened or read
│   ├── ModelError           a pose model is missing, damaged or of another kind
│   ├── DrillError           unknown drill or side, or a drill table with a mistake in it
│   ├── LibraryError         a library cannot be loaded on this computer
│   ├── CalibrationError     a calibration profile that cannot be used, or a calibration that did not succeed
│   └── TruthError           a truth folder that cannot be used for validation
├── RecordError              the log cannot be written or read (exit code 3)
├── StoppedError             the person ended it before there was anything to keep (exit code 130)
└── NotMeasuredError         everything worked, but there was nothing to measure (exit code 4)
"""

from rotrack.core.messages import Sentence

DOUBTFUL = 5
"""Exit code when everything was done, but something should be checked, was left out, or is to be changed before measuring."""


class RotrackError(Exception):
    """Base of all errors that are explained to the person instead of shown as a traceback.

    Parameters
    ----------
    template : str
        What is wrong and what to do, in English, with the names of its values in braces. `str` of the error is then a
        `Sentence`, which `rotrack.texts` says in another language.
    **values
        What fills these places.
    """

    exit_code = 1

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(Sentence(template, **values) if values else template)


class InputError(RotrackError):
    """The request cannot be carried out as asked."""

    exit_code = 2


class SourceError(InputError):
    """A camera or a video file cannot be opened or stopped delivering pictures."""


class ModelError(InputError):
    """A pose model is missing, damaged or not a pose model."""


class DrillError(InputError):
    """An unknown drill or side, or a drill table with a mistake in it."""


class LibraryError(InputError):
    """A library cannot be loaded on this computer: something that it needs is missing."""


class CalibrationError(InputError):
    """A calibration profile that cannot be read or written, or a calibration that did not succeed."""


class TruthError(InputError):
    """A folder of clips with truth that cannot be used."""


class RecordError(RotrackError):
    """The log cannot be written or read."""

    exit_code = 3


class StoppedError(RotrackError):
    """The person ended it before there was anything to keep."""

    exit_code = 130


class NotMeasuredError(RotrackError):
    """The pictures were read, but nothing in them could be measured.

    Parameters
    ----------
    template, **values
        What to do, as for any error.
    main_reason : str
        Why there was no angle, as `rotrack.core.reasons` has it; empty if something else stood in the way.
    """

    exit_code = 4

    def __init__(self, template: str, /, main_reason: str = "", **values: object) -> None:
        super().__init__(template, **values)
        self.reason = main_reason
