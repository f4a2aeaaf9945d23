"""The shapes of what compares published figures: with the registry's counts, and with each other."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict

from app.counts.shapes import CountCaveats, CountTotal, ReaderCaveats
from app.queries.addresses import EchoedTerms
from app.schemas.base import Links, RevisionOut
from app.schemas.directory import Arithmetic, Bounds, FigureOut
from app.vocabulary import Reason

# An argument of a message: a number, a day, a slug, a code, the number of a figure, or several of a kind.
MessageArgument: TypeAlias = int | str | Bounds | list[str] | list[Bounds] | None


class Message(TypedDict):
    """A sentence, with the message id and the arguments to format it in another language."""

    detail: str
    message_id: str
    arguments: dict[str, MessageArgument]


class ReasonOut(Message):
    """Why two numbers differ."""

    code: Reason


class RemarkOut(Message):
    """What is odd about a running total beside the one its claimant gave before."""

    code: Literal["fall", "jump"]
    before: FigureOut


class ClaimCount(TypedDict):
    """The registry's count on a claim's own terms: from the log at a revision, or by when sources say that they
    knew."""

    basis: Literal["log", "said"]
    at: RevisionOut
    total: CountTotal
    by_source: Annotated[dict[str, int], Field(description="What each source verified.")]
    possible: Bounds | None
    gap: Bounds | None
    undated: Annotated[
        int | None, Field(description="By `said`: verifications that do not say when, which are left out.")
    ]
    learned_since: Annotated[
        int | None,
        Field(description="By `said`: releases that did not count then, where everybody says when they knew."),
    ]
    caveats: Annotated[
        CountCaveats | ReaderCaveats,
        Field(description="What to know before the number is printed; by `said` only what is known of it."),
    ]
    permalink: Annotated[
        str | None,
        Field(description="The address of the count, as long as the counting rules do not change; null by `said`."),
    ]


class PublishedFigure(FigureOut):
    """Another published figure of the same event. `distance`: the claim less this figure, if the two are compared."""

    distance: Bounds | None
    except_for: str | None
    reasons: list[Reason]


class Reconciliation(TypedDict):
    """A claim beside the registry's own count; no verdict on who is right."""

    terms: Annotated[
        EchoedTerms | None,
        Field(description="The terms of the counts beside the claim; null where they cannot be counted."),
    ]
    at: RevisionOut
    claim: Annotated[FigureOut, Field(description="The figure, in short.")]
    comparable: bool
    reasons: Annotated[list[ReasonOut], Field(description="Why the two numbers differ.")]
    remarks: list[RemarkOut]
    then: ClaimCount | None
    then_unknown: str | None
    now: ClaimCount | None
    published: list[PublishedFigure]
    arithmetic: list[Arithmetic]
    links: Links


BalanceStep = TypedDict(
    "BalanceStep",
    {
        "country": str | None,
        "from": FigureOut,
        "to": FigureOut,
        "in": Bounds | None,
        "out": Bounds | None,
        "late": Bounds | None,
        "corrections": Bounds | None,
        "expected": Bounds,
        "residual": Bounds,
        "missing": list[str],
    },
)
BalanceStep.__doc__ = "From one figure of the held to the next, in one country; null: the figures name none."


class BalanceTerms(TypedDict):
    """The source whose figures are balanced, and the country, if only its figures are."""

    source: Annotated[str, Field(description="The source: its slug.")]
    country: Annotated[str | None, Field(description="The country asked for; null: each of the figures.")]


class Balance(TypedDict):
    """The steps from one figure of the held to the next."""

    terms: BalanceTerms
    at: RevisionOut
    data: Annotated[list[BalanceStep], Field(description="The steps, by country and time.")]
    links: Links
