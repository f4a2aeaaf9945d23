"""`recuento key notices`: where the holder of a key gets notices, and that nothing prints an address again."""

import io
import json

import pytest

from tests.cli.test_commands import Run, recuento, refused
from tests.support import World

__all__ = ["recuento"]

ADDRESS = "rita.sosa@example.org"


def test_an_address_is_set_listed_without_being_told_and_taken_back(
    world: World, recuento: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = world.keys["curator"][4:12]
    assert "RECUENTO_SMTP_URL" in refused(recuento("key", "notices", key_id, "--email"))
    monkeypatch.setenv("RECUENTO_SMTP_URL", "smtps://mail.example.org")
    monkeypatch.setenv("RECUENTO_SMTP_SENDER", "notices@example.org")
    monkeypatch.setenv("RECUENTO_PUBLIC_URL", "https://registry.example")
    monkeypatch.setattr("sys.stdin", io.StringIO("rita\n"))
    assert "not an e-mail address" in refused(recuento("key", "notices", key_id, "--email"))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ADDRESS}\n"))
    assert recuento("key", "notices", key_id, "--email").status == 0
    feed = recuento("key", "notices", key_id, "--feed").out.strip()
    assert feed.startswith("https://registry.example/v1/notices/")
    assert world.get(feed.removeprefix("https://registry.example")).status_code == 200
    listed = recuento("key", "list", "--json").out
    (curator,) = [row for row in json.loads(listed) if row["id"] == key_id]
    assert curator["notices"] == ["email", "feed"]
    told = [listed, recuento("key", "list").out, recuento("status").out, recuento("export").out]
    assert not [text for text in told if ADDRESS in text]
    assert recuento("key", "notices", key_id, "--off").status == 0
    assert recuento("key", "notices", key_id, "--off").status == 0
    assert world.rows("SELECT count(*) FROM notice_holder") == [(0,)]
    assert "--email" in refused(recuento("key", "notices", key_id))


def test_a_key_that_has_ended_has_no_notices(world: World, recuento: Run) -> None:
    key_id = world.keys["curator"][4:12]
    recuento("key", "revoke", key_id)
    assert "has not ended" in refused(recuento("key", "notices", key_id, "--feed"))
