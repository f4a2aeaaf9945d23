"""Resolve and check the bounds of a published figure: `low`, `high` and the number as printed."""

from app.errors import build_pointed_error
from app.translations import Message
from app.vocabulary import Qualifier

# Qualifier → (has a lower bound, has an upper bound).
QUALIFIER_BOUNDS: dict[Qualifier, tuple[bool, bool]] = {
    Qualifier.EXACTLY: (True, True),
    Qualifier.AT_LEAST: (True, False),
    Qualifier.MORE_THAN: (True, False),
    Qualifier.AT_MOST: (False, True),
    Qualifier.FEWER_THAN: (False, True),
    Qualifier.ABOUT: (True, True),
    Qualifier.BETWEEN: (True, True),
    Qualifier.UNQUANTIFIED: (False, False),
}
# Qualifiers that exclude the printed number → the distance from it to the nearest included number.
QUALIFIER_STEPS = {Qualifier.MORE_THAN: 1, Qualifier.FEWER_THAN: -1}
# A bound of these qualifiers that is a multiple of this is refused. It is most likely the printed number in place of
# the first number beyond it: "more than 399" is hardly ever printed. The client can send `said` instead.
SUSPECT_MULTIPLE = 10

Bounds = tuple[int | None, int | None]
Fault = dict[str, str]


def compute_bounds(qualifier: Qualifier, printed_number: int) -> Bounds:
    """Return the lowest and the highest number that a printed number means; None is open."""
    nearest = printed_number + QUALIFIER_STEPS.get(qualifier, 0)
    has_low, has_high = QUALIFIER_BOUNDS[qualifier]
    return nearest if has_low else None, nearest if has_high else None


def resolve_bounds(qualifier: Qualifier, printed_number: int | None, low: int | None, high: int | None) -> Bounds:
    """Return the bounds of a claim without faults: each as sent, else as the printed number implies."""
    if printed_number is None:
        return low, high
    implied = compute_bounds(qualifier, printed_number)
    return implied[0] if low is None else low, implied[1] if high is None else high


def find_bound_faults(
    qualifier: Qualifier, printed_number: int | None, low: int | None, high: int | None
) -> list[Fault]:
    """Return the faults in the numbers of a claim. Each fault's detail has the right number."""
    if printed_number is not None and qualifier in (Qualifier.BETWEEN, Qualifier.UNQUANTIFIED):
        detail = Message(
            "`{qualifier}` has no one number as printed: leave `said` out, and give `low` and `high`."
            if qualifier is Qualifier.BETWEEN
            else "`{qualifier}` has no one number as printed: leave `said` out.",
            qualifier=qualifier,
        )
        return [build_pointed_error("/said", "said_not_allowed", detail)]
    if printed_number == 0 and qualifier is Qualifier.FEWER_THAN:
        return [build_pointed_error("/said", "below_none", "Nobody counts fewer than none: is it `exactly` 0?")]
    return _check_bounds(qualifier, printed_number, low, high) + (
        _check_printed_bound(qualifier, low, high)
        if printed_number is None
        else _check_contradictions(qualifier, printed_number, low, high)
    )


def _check_bounds(qualifier: Qualifier, printed_number: int | None, low: int | None, high: int | None) -> list[Fault]:
    """Return the faults of bounds that are missing, not allowed by the qualifier, or contradictory."""
    errors = []
    values = {"low": low, "high": high}
    for (name, value), is_required in zip(values.items(), QUALIFIER_BOUNDS[qualifier], strict=True):
        named = {"qualifier": qualifier, "name": name}
        if is_required and value is None and printed_number is None:
            detail = Message(
                "`{qualifier}` needs `{name}`."
                if qualifier is Qualifier.BETWEEN
                else "`{qualifier}` needs `{name}`, or the number as printed under `said`.",
                **named,
            )
            errors.append(build_pointed_error(f"/{name}", "bound_required", detail))
        if not is_required and value is not None:
            detail = Message(
                "`{qualifier}` has no `{name}`: leave it out (more than 400 is low 401, high null).", **named
            )
            errors.append(build_pointed_error(f"/{name}", "bound_not_allowed", detail))
    if low is not None and high is not None and low > high:
        errors.append(build_pointed_error("/low", "low_above_high", "The lower bound is above the upper one."))
    if qualifier is Qualifier.EXACTLY and printed_number is None and low != high:
        errors.append(build_pointed_error("/high", "bounds_differ", "`exactly` has low and high the same."))
    return errors


def _check_printed_bound(qualifier: Qualifier, low: int | None, high: int | None) -> list[Fault]:
    """Return the fault of a bound that is the printed number although the qualifier excludes it."""
    step = QUALIFIER_STEPS.get(qualifier)
    name, value = ("low", low) if qualifier is Qualifier.MORE_THAN else ("high", high)
    if step is None or not value or value % SUSPECT_MULTIPLE:
        return []
    detail = Message(
        "`{qualifier}` {value} is {name} {number}: give that, or `said`: {value} (the number as "
        "printed) and leave `{name}` out.",
        qualifier=qualifier,
        value=value,
        name=name,
        number=value + step,
    )
    return [build_pointed_error(f"/{name}", "bound_as_printed", detail)]


def _check_contradictions(qualifier: Qualifier, printed_number: int, low: int | None, high: int | None) -> list[Fault]:
    """Return the faults of bounds that contradict the printed number. "About 400" requires 400 between its bounds."""
    correct_bounds = dict(zip(("low", "high"), compute_bounds(qualifier, printed_number), strict=True))
    if qualifier is Qualifier.ABOUT:
        fits = {"low": low is None or low <= printed_number, "high": high is None or printed_number <= high}
        wrong_names = [name for name, ok in fits.items() if not ok]
    else:
        values = {"low": low, "high": high}
        wrong_names = [
            name for name, value in values.items() if value is not None and correct_bounds[name] not in (None, value)
        ]
    correct_text = ", ".join(f"{name} {'null' if value is None else value}" for name, value in correct_bounds.items())
    detail = Message(
        "`{qualifier}` {printed_number} is {correct_text}: give these, or leave both out.",
        qualifier=qualifier,
        printed_number=printed_number,
        correct_text=correct_text,
    )
    return [build_pointed_error(f"/{name}", "contradicts_said", detail) for name in wrong_names]
