"""Commands make this process private, as they do their own: it is undone after each test."""

import os
from collections.abc import Iterator

import pytest

USUAL = 0o022  # the umask of most machines, under which everybody reads what is made


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(USUAL)
    yield
    os.umask(before)
