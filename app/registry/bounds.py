"""The bounds of a published number, by the word before it: "more than 400" is 401 or more, with no upper end (pure)."""

from app.errors import pointed
from app.vocabulary import Qualifier

# Qualifier → (has a lower bound, has an upper bound).
BOUNDS: dict[Qualifier, tuple[bool, bool]] = {
    Qualifier.EXACTLY: (True, True),
    Qualifier.AT_LEAST: (True, False),
    Qualifier.MORE_THAN: (True, False),
    Qualifier.AT_MOST: (False, True),
    Qualifier.FEWER_THAN: (False, True),
    Qualifier.ABOUT: (True, True),
    Qualifier.BETWEEN: (True, True),
    Qualifier.UNQUANTIFIED: (False, False),
}
# Qualifiers that do not mean the number as printed → how far from it the nearest number meant lies.
BEYOND = {Qualifier.MORE_THAN: 1, Qualifier.FEWER_THAN: -1}
# A bound of those two qualifiers that is a multiple of this is refused: it is most likely the number as printed, put
# where the first number beyond it belongs, since "more than 399" is hardly ever printed. Then `said` is given.
ROUND = 10

Bounds = tuple[int | None, int | None]
Fault = dict[str, str]


def bounds_of(qualifier: Qualifier, printed: int) -> Bounds:
    """The lowest and the highest number that one number as printed means; None is open."""
    nearest = printed + BEYOND.get(qualifier, 0)
    low, high = BOUNDS[qualifier]
    return nearest if low else None, nearest if high else None


def meant(qualifier: Qualifier, printed: int | None, low: int | None, high: int | None) -> Bounds:
    """The bounds of a claim without faults: a given bound, else the bound that the number as printed means."""
    if printed is None:
        return low, high
    following = bounds_of(qualifier, printed)
    return following[0] if low is None else low, following[1] if high is None else high


def faults(qualifier: Qualifier, printed: int | None, low: int | None, high: int | None) -> list[Fault]:
    """The faults in the numbers of a claim; each tells the right number."""
    if printed is not None and qualifier in (Qualifier.BETWEEN, Qualifier.UNQUANTIFIED):
        detail = f"`{qualifier}` has no one number as printed: leave `said` out"
        detail += ", and give `low` and `high`." if qualifier is Qualifier.BETWEEN else "."
        return [pointed("/said", "said_not_allowed", detail)]
    if printed == 0 and qualifier is Qualifier.FEWER_THAN:
        return [pointed("/said", "below_none", "Nobody counts fewer than none: is it `exactly` 0?")]
    return _missing(qualifier, printed, low, high) + (
        _as_printed(qualifier, low, high) if printed is None else _against(qualifier, printed, low, high)
    )


def _missing(qualifier: Qualifier, printed: int | None, low: int | None, high: int | None) -> list[Fault]:
    """The faults of bounds that are missing, that the qualifier does not have, or that contradict each other."""
    errors = []
    given = {"low": low, "high": high}
    for (name, value), needed in zip(given.items(), BOUNDS[qualifier], strict=True):
        if needed and value is None and printed is None:
            instead = "" if qualifier is Qualifier.BETWEEN else ", or the number as printed under `said`"
            errors.append(pointed(f"/{name}", "bound_required", f"`{qualifier}` needs `{name}`{instead}."))
        if not needed and value is not None:
            detail = f"`{qualifier}` has no `{name}`: leave it out (more than 400 is low 401, high null)."
            errors.append(pointed(f"/{name}", "bound_not_allowed", detail))
    if low is not None and high is not None and low > high:
        errors.append(pointed("/low", "low_above_high", "The lower bound is above the upper one."))
    if qualifier is Qualifier.EXACTLY and printed is None and low != high:
        errors.append(pointed("/high", "bounds_differ", "`exactly` has low and high the same."))
    return errors


def _as_printed(qualifier: Qualifier, low: int | None, high: int | None) -> list[Fault]:
    """The fault of a bound that is the number as printed, where the qualifier means the numbers beyond it."""
    step = BEYOND.get(qualifier)
    name, value = ("low", low) if qualifier is Qualifier.MORE_THAN else ("high", high)
    if step is None or not value or value % ROUND:
        return []
    detail = (
        f"`{qualifier}` {value} is {name} {value + step}: give that, or `said`: {value} (the number as printed) and "
        f"leave `{name}` out."
    )
    return [pointed(f"/{name}", "bound_as_printed", detail)]


def _against(qualifier: Qualifier, printed: int, low: int | None, high: int | None) -> list[Fault]:
    """The faults of bounds that contradict the number as printed; bounds of "about 400" do where 400 is not between
    them."""
    right = dict(zip(("low", "high"), bounds_of(qualifier, printed), strict=True))
    if qualifier is Qualifier.ABOUT:
        fits = {"low": low is None or low <= printed, "high": high is None or printed <= high}
        wrong = [name for name, ok in fits.items() if not ok]
    else:
        given = {"low": low, "high": high}
        wrong = [name for name, value in given.items() if value is not None and right[name] not in (None, value)]
    shown = ", ".join(f"{name} {'null' if value is None else value}" for name, value in right.items())
    detail = f"`{qualifier}` {printed} is {shown}: give these, or leave both out."
    return [pointed(f"/{name}", "contradicts_said", detail) for name in wrong]
