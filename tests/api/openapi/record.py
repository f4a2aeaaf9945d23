"""`python -m tests.api.openapi.record`: play the scene and write the examples of `openapi.json` anew."""

import tempfile
from pathlib import Path

from app.api.openapi_examples import EXAMPLES_FILE
from tests.api.openapi.play import play
from tests.api.openapi.scene import stage, written
from tests.replay import load, settings_for


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'registry.db'}"
        load(settings_for(address))
        with stage(address) as played:
            play(played)
        EXAMPLES_FILE.write_text(written(played.recorded()), encoding="utf-8")


if __name__ == "__main__":
    main()
