"""Pages ask the API in this process and touch no database: they are tested on SQLite. That the API answers the same on
both engines, its own tests show."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


# Once every item has its marks.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {item for item in items if HERE in item.path.parents and item.get_closest_marker("postgresql")}
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]
