"""The sentence by which a count is cited."""

from collections.abc import Mapping

from app.web.catalogue import Catalogue


def sentence_of(citation: Mapping[str, str], words: Catalogue) -> str:
    """The API's sentence in the readers' language, without the address at its end, which stands beside it."""
    return citation[words.spoken].removesuffix(citation["address"]).rstrip()
