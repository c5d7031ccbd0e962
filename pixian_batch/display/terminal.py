"""What a terminal shows outside of its text: its title, and the progress of a window's icon (OSC 9;4). Pure: codes only.

Only terminals get these that are known to take them or to pass over them: others would print them, and some
take OSC 9 for a message to be shown on the desktop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pixian_batch.display.text import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pixian_batch.policy.progress import Snapshot

_KEEP_TITLE: Final = "\x1b[22;2t"
_PUT_TITLE_BACK: Final = "\x1b[23;2t"
_NO_PROGRESS: Final = "\x1b]9;4;0\x07"
_NORMAL, _UNKNOWN, _WAITING = 1, 3, 4
"""States of OSC 9;4."""
_KINDS: Final = "alacritty contour foot ghostty gnome iterm kitty konsole mintty rio rxvt screen st- tmux vte wezterm xterm"
_TITLED: Final = tuple(_KINDS.split(" "))
"""How TERM begins where titles are set by OSC 2, and kept and put back by CSI 22 and 23."""
_WITH_PROGRESS: Final = frozenset({"WezTerm", "ghostty"})
_VTE_WITH_PROGRESS: Final = 8000
"""The version, as VTE tells it, from which on GNOME's terminals and their kin know it."""


class Terminal:
    """`told` gives the codes for a state, and nothing while that does not change; `cleared` takes everything back."""

    def __init__(self, *, title: bool = False, progress: bool = False) -> None:
        self._titled, self._progressing = title, progress
        self._title = self._progress = ""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Terminal:
        """The terminal that these environment variables tell of."""
        term = environ.get("TERM", "")
        titled = term.startswith(_TITLED) and "STY" not in environ  # GNU screen puts no title back
        return cls(title=titled or "WT_SESSION" in environ, progress=_takes_progress(environ, term))

    def told(self, snapshot: Snapshot) -> str:
        """What has to be written so that the terminal tells of `snapshot`."""
        codes = ""
        if self._titled and (title := f"\x1b]2;{title_of(snapshot)}\x07") != self._title:
            codes += title if self._title else _KEEP_TITLE + title
            self._title = title
        if self._progressing and (progress := _progress(snapshot)) != self._progress:
            codes += progress
            self._progress = progress
        return codes

    def cleared(self) -> str:
        """What has to be written so that nothing of it is left."""
        codes = (_PUT_TITLE_BACK if self._title else "") + (_NO_PROGRESS if self._progress else "")
        self._title = self._progress = ""
        return codes


def title_of(snapshot: Snapshot) -> str:
    """The window's title: how far the run is. Nothing of the user's own is in it."""
    ended = count(snapshot.tally.ended)
    if not snapshot.counted:
        far = f"{ended} images"
    else:
        share = percent(snapshot.tally.ended, snapshot.found)
        far = f"{int(share)} % of {count(snapshot.found)} images"
    state = "stopping, " if snapshot.stop is not None else "paused, " if snapshot.paused else ""
    return f"{state}{far} - pixian-batch"


def _progress(snapshot: Snapshot) -> str:
    share = int(percent(snapshot.tally.ended, snapshot.found))
    if snapshot.stop is not None or snapshot.paused:
        state = _WAITING
    else:
        state = _NORMAL if snapshot.counted else _UNKNOWN
    return f"\x1b]9;4;{state};{share}\x07"


def _takes_progress(environ: Mapping[str, str], term: str) -> bool:
    if term.startswith(("screen", "tmux")):  # variables of the terminal around it are not its own
        return False
    vte = environ.get("VTE_VERSION", "")
    return (
        "WT_SESSION" in environ
        or environ.get("ConEmuANSI") == "ON"
        or environ.get("TERM_PROGRAM") in _WITH_PROGRESS
        or (environ.get("TERM_PROGRAM") == "iTerm.app" and "P" in environ.get("TERM_FEATURES", ""))
        or (vte.isdecimal() and int(vte) >= _VTE_WITH_PROGRESS)
    )
