"""What to do about a broken rule. Pure: words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Advice:
    """recipe: rendering it by the profile's recipe mends it; otherwise: what to do where there is no recipe, or none helps."""

    otherwise: str = ""
    recipe: bool = False

    def text(self, recipe: str | None) -> str:
        """The advice, for a profile with this recipe."""
        if self.recipe and recipe is not None:
            return f"render --recipe {recipe}"
        return self.otherwise


FORM: Final = Advice("make it again in the right form", recipe=True)
"""Of what is only the file's form."""
PHOTO: Final = Advice("start from a larger photo: enlarging adds nothing to be seen")
MATTE: Final = Advice("look at the cut-out there, and cut it out again if the old ground is left")
"""Of what the matte has left."""
GROUND: Final = Advice("lay it on the right ground: run with --background-color", recipe=True)
"""Of a ground of another colour."""
CUT_OUT: Final = Advice("cut it out first: run, with --background-color")
"""Of a photo as it is."""
EMPTY: Final = Advice("look at the cut-out: nothing of it is left")
