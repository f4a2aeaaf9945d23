"""Settings come from the environment once; the secret is made once, whoever asks first, and read by nobody else."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import MIN_SECRET, SECRET_BYTES, Settings, UnreadableSecret

ROOT = Path(__file__).parent.parent


def settings(**given: object) -> Settings:
    return Settings(**given)  # type: ignore[arg-type]


def beside(folder: Path) -> Settings:
    """The settings of a registry in a folder, with no secret named."""
    return settings(database_url=f"sqlite:///{folder / 'recuento.db'}")


def test_what_nobody_sets_is_safe_on_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECUENTO_")]:
        monkeypatch.delenv(name)
    made = settings()
    assert (made.database_url, made.host, made.port, made.workers) == ("sqlite:///recuento.db", "127.0.0.1", 8000, 1)
    assert made.secret is None


@pytest.mark.parametrize("name, value, expected", [
    ("database_url", "postgresql://localhost/registry", "postgresql://localhost/registry"),
    ("host", "0.0.0.0", "0.0.0.0"),
    ("port", "9000", 9000),
    ("workers", "3", 3),
    ("zone", "America/Caracas", "America/Caracas"),
    ("zone", "z", "UTC"),
    ("concurrency", "12", 12),
    ("max_body_bytes", "2048", 2048),
    ("rate_by_client", "0", 0),
    ("rate_of_searches", "0", 0),
    ("names", "search", "search"),
    ("question_seconds", "2.5", 2.5),
    ("trusted_proxies", "10.0.0.2, fd00::/8", "10.0.0.2, fd00::/8"),
    ("trusted_proxies", "", ""),
    ("secret_file", "/run/secrets/recuento", Path("/run/secrets/recuento")),
    ("columns_dir", "/var/lib/recuento/columns", Path("/var/lib/recuento/columns")),
])  # fmt: skip
def test_each_setting_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: object
) -> None:
    monkeypatch.setenv(f"RECUENTO_{name.upper()}", value)
    assert getattr(settings(), name) == expected


@pytest.mark.parametrize("host, address", [
    ("127.0.0.1", "http://127.0.0.1:8001"), ("0.0.0.0", "http://127.0.0.1:8001"), ("::", "http://[::1]:8001"),
    ("registry.example", "http://registry.example:8001"),
])  # fmt: skip
def test_where_it_listens_everywhere_it_is_reached_on_its_own_machine(host: str, address: str) -> None:
    assert settings(host=host, port=8001).address() == address


def test_what_is_given_outweighs_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUENTO_PORT", "9000")
    assert settings(port=9001).port == 9001


@pytest.mark.parametrize("name, value", [
    ("port", "70000"), ("port", "-1"), ("workers", "0"), ("concurrency", "0"), ("max_body_bytes", "10"),
    ("secret", "too short"), ("zone", "Caracas"), ("trusted_proxies", "*"), ("trusted_proxies", "proxy.example"),
    ("rate_by_key", "-1"), ("names", "everybody"), ("question_seconds", "0"),
    ("public_url", "https://ada:clave@registry.example"), ("security_contact", "https://ada:clave@registry.example/"),
])  # fmt: skip
def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"RECUENTO_{name.upper()}", value)
    with pytest.raises(ValidationError):
        settings()


def test_the_secret_is_never_shown() -> None:
    made = settings(secret="a secret of the tests")
    assert made.secret_key() == b"a secret of the tests"
    assert "a secret of the tests" not in f"{made!r} {made} {made.model_dump()} {made.model_dump_json()}"


def test_a_secret_is_made_on_first_use_for_its_owner_alone_to_read(tmp_path: Path) -> None:
    key = beside(tmp_path).secret_key()
    path = tmp_path / "recuento.db.secret"
    assert len(key) == SECRET_BYTES >= MIN_SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert bytes.fromhex(path.read_text()) == key
    assert [found.name for found in tmp_path.iterdir()] == [path.name]  # no draft is left


def test_the_same_secret_is_read_ever_after(tmp_path: Path) -> None:
    assert beside(tmp_path).secret_key() == beside(tmp_path).secret_key()


def test_two_registries_have_two_secrets(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert beside(one).secret_key() != beside(other).secret_key()


def test_a_secret_file_that_is_named_is_used_instead(tmp_path: Path) -> None:
    path = tmp_path / "kept elsewhere"
    path.write_text("ab" * SECRET_BYTES + "\n")
    made = settings(database_url=f"sqlite:///{tmp_path / 'a.db'}", secret_file=path)
    assert made.secret_key() == b"\xab" * SECRET_BYTES
    assert not (tmp_path / "a.db.secret").exists()


def test_a_secret_for_postgresql_stands_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = settings(database_url="postgresql://localhost/registry")
    assert made.secret_key() == made.secret_key()
    assert (tmp_path / "recuento.secret").exists()


def test_a_registry_in_memory_leaves_no_secret_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(settings(database_url="sqlite://").secret_key()) == SECRET_BYTES
    assert list(tmp_path.iterdir()) == []


def test_all_who_ask_at_once_for_the_first_time_get_the_same_secret(tmp_path: Path) -> None:
    together, found = threading.Barrier(8), []

    def ask() -> None:
        made = beside(tmp_path)
        together.wait()
        found.append(made.secret_key())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["recuento.db.secret"]


def test_two_processes_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    ask = "from app.config import Settings; print(Settings().secret_key().hex())"
    environment = {**os.environ, "RECUENTO_DATABASE_URL": f"sqlite:///{tmp_path / 'recuento.db'}"}
    started = [
        subprocess.Popen([sys.executable, "-c", ask], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate()[0].strip() for process in started]
    assert answers[0] == answers[1] == (tmp_path / "recuento.db.secret").read_text()


@pytest.mark.parametrize("content", ["", "not hexadecimal", "ab" * (MIN_SECRET - 1)])
def test_a_secret_file_that_holds_no_secret_is_refused_by_its_name_only(tmp_path: Path, content: str) -> None:
    path = tmp_path / "recuento.db.secret"
    path.write_text(content)
    with pytest.raises(UnreadableSecret, match="RECUENTO_SECRET_FILE") as refused:
        beside(tmp_path).secret_key()
    assert path.name in str(refused.value)
    assert not content or content not in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSecret, match="RECUENTO_SECRET_FILE"):
        beside(tmp_path / "nowhere").secret_key()


def test_the_key_to_send_with_stands_in_the_environment_or_in_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("rcn_file\n")
    file.chmod(0o600)
    assert settings().sending_key() is None
    assert settings(key_file=file).sending_key() == "rcn_file"
    assert settings(key="rcn_given ", key_file=file).sending_key() == "rcn_given"
    assert "rcn" not in repr(settings(key="rcn_given"))


@pytest.mark.parametrize("saved", [b"\xef\xbb\xbfrcn_file\r\n", b"\xef\xbb\xbf\r\nrcn_file", b" rcn_file\r\n\r\n"])
def test_a_key_file_that_an_editor_saved_its_own_way_holds_the_same_key(tmp_path: Path, saved: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(saved)
    file.chmod(0o600)
    assert settings(key_file=file).sending_key() == "rcn_file"
    assert settings(key=saved.decode()).sending_key() == "rcn_file"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_touch_is_not_used(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("rcn_file")
    file.chmod(mode)
    with pytest.raises(UnreadableSecret, match="chmod 600"):
        settings(key_file=file).sending_key()


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSecret, match="RECUENTO_KEY_FILE"):
        settings(key_file=tmp_path / "nowhere").sending_key()


@pytest.mark.parametrize("name", ["database_read_url", "database_listen_url"])
def test_only_postgresql_has_a_replica_or_can_be_listened_to(name: str) -> None:
    address = "postgresql://somebody@db.example/recuento"
    assert settings(database_url=address, **{name: address}).database_url == address
    for urls in ({name: "sqlite:///copy.db", "database_url": address}, {name: address}):
        with pytest.raises(ValidationError, match="RECUENTO_DATABASE_READ_URL and RECUENTO_DATABASE_LISTEN_URL"):
            settings(**urls)
