"""Which verdicts a source knows of itself, and which it copied from others (pure). A copy confirms nothing."""

from app.registry.content import CITING, IS_FIRST_HAND, METHOD, Content
from app.vocabulary import Method

# Methods by which a source knows something itself. Every other method is second-hand, a new method until somebody adds
# it here: at worst a verification then does not count yet, and no copy ever counts as a verification.
FIRST_HAND = frozenset(
    {
        Method.FAMILY,
        Method.LAWYER,
        Method.DETAINEE,
        Method.AT_THE_GATE,
        Method.RELEASE_ORDER,
        Method.COURT_RECORD,
        Method.OFFICIAL_LIST,
        Method.DIPLOMATIC,
        Method.PHOTO_VIDEO,
        Method.FELLOW_PRISONER,
    }
)
# Methods that repeat what somebody else found. A copy confirms nothing.
SECOND_HAND = frozenset(Method) - FIRST_HAND


def is_copy(content: Content) -> bool:
    """Whether a verdict repeats what another source found: by its method, as far as the content says it, or since it
    cites another source."""
    second_hand = content.get(METHOD) in SECOND_HAND or not content.get(IS_FIRST_HAND, True)
    return bool(content.get(CITING)) or second_hand
