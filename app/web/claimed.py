"""How the figure of a claim is said: as its claimant said it, never as the bound that the registry keeps of it."""

from collections.abc import Mapping
from typing import Any

from app.vocabulary import Qualifier
from app.web.catalogue import Catalogue


def figure_of(claim: Mapping[str, Any], words: Catalogue) -> str:
    """ "more than 400" of a claim whose `low` is 401. Its parts do not break at the end of a line."""
    _ = words.gettext
    low, high = claim["low"], claim["high"]
    sentence, numbers = {
        Qualifier.EXACTLY: ("%(low)s", {"low": low}),
        Qualifier.AT_LEAST: (_("at least %(low)s"), {"low": low}),
        Qualifier.MORE_THAN: (_("more than %(low)s"), {"low": low and low - 1}),
        Qualifier.AT_MOST: (_("at most %(high)s"), {"high": high}),
        Qualifier.FEWER_THAN: (_("fewer than %(high)s"), {"high": high and high + 1}),
        Qualifier.ABOUT: (_("about %(low)s"), {"low": low}),
        Qualifier.BETWEEN: (_("between %(low)s and %(high)s"), {"low": low, "high": high}),
        Qualifier.UNQUANTIFIED: (_("no number"), {}),
    }[Qualifier(claim["qualifier"])]
    told = {name: words.number(number) for name, number in numbers.items() if number is not None}
    return (sentence % told if told else sentence).replace(" ", "\N{NO-BREAK SPACE}")
