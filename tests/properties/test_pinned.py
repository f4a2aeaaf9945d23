"""What was cited stays: a count over nothing personal is the same bytes for ever, whatever happens after it."""

from hypothesis import given
from hypothesis import strategies as st

from app.queries.addresses import build_query_url, echo_terms
from app.queries.terms import CountTerms
from tests.drawn import examples
from tests.properties.histories import count_terms, histories
from tests.properties.steps import Registry, Step

ENDINGS = st.sampled_from(("", "", ".csv", ".jsonl"))


@examples(4)
@given(histories(), st.lists(count_terms(personal=False), min_size=2, max_size=3), ENDINGS)
def test_a_count_of_nothing_personal_is_the_same_bytes_when_asked_again_as_of_its_revision(
    registry: Registry, history: list[Step], asked: list[CountTerms], ending: str
) -> None:
    client = registry.world.client
    addresses = [build_query_url(f"/v1/counts/releases{ending}", echo_terms(terms), None) for terms in asked]
    served: dict[tuple[str, str], bytes] = {}
    with registry.after([]) as clerk:
        for step in history:
            step.take(clerk)
            for address in addresses:
                answer = client.get(address)
                assert answer.status_code == 200, answer.text
                served[address, answer.headers["Recuento-Revision"]] = answer.content
        for (address, revision), content in served.items():
            again = client.get(f"{address}&as_of=r{revision}")
            assert again.content == content, (address, revision)
