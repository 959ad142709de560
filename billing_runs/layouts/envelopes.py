"""Where the address shows through the window of a country's standard envelope: no ORM."""

from typing import NamedTuple


class Window(NamedTuple):
    """Place and size on the page in millimetres, from the top left corner of the paper."""

    left: float
    top: float
    width: float
    height: float


#: DIN 5008 form B, and what envelopes of most countries with windows on the left have room for
LEFT = Window(20, 45, 85, 40)
#: windows on the right: NF Z 11-001 and its neighbours
RIGHT = Window(110, 45, 85, 40)
#: ISO 269 DL with BS 4264 window
BRITISH = Window(20, 50, 90, 35)
#: number 10 envelope with a window, letter folded in three
AMERICAN = Window(22, 50, 90, 28)

WINDOWS = {
    **dict.fromkeys(("FR", "BE", "LU", "IT", "ES", "PT", "CH", "PL", "DK", "FI"), RIGHT),
    **dict.fromkeys(("GB", "IE"), BRITISH),
    **dict.fromkeys(("US", "CA", "MX", "PH"), AMERICAN),
}


def window_of(country_code: str | None) -> Window:
    """Return the window of a country's standard envelope; on the left where none is known."""
    return WINDOWS.get(country_code or "", LEFT)
