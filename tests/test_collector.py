"""What the garbage collector is spared."""

import gc
import subprocess
import sys

SERVED = """
import gc
from fastapi.testclient import TestClient
from app.config import Settings
from app.main import create_app

with TestClient(create_app(Settings(database_url="sqlite://"))):
    left = len(gc.get_objects())
print(gc.get_freeze_count() > 10 * left)
"""


def test_a_server_that_has_started_has_hardly_anything_that_is_looked_through_for_cycles() -> None:
    told = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "True", told.stderr
    assert gc.isenabled()
