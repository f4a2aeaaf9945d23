"""The journal of an upload: what stands in it outlasts the process, and nothing in it names anybody."""

import errno
import os
import stat
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.imports.upload.client import PermanentError
from app.imports.upload.uploads import JOURNAL_LIFETIME, UploadJournal
from tests.support import NOW

PART, ID = "run abc", uuid.UUID(int=7)
Open = Callable[..., UploadJournal]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def opened(to: str = "foro", name: str = "list.csv", content: str = "1", days: float = 0) -> UploadJournal:
        return UploadJournal(tmp_path / "state" / "uploads", to, tmp_path / name, content, NOW + timedelta(days=days))

    return opened


def test_what_was_noted_stands_at_the_next_start(opened: Open) -> None:
    with opened() as journal:
        once = journal.get_or_create_part(PART).once
        journal.mark_sent(PART, ID)
        assert journal.is_new
    with opened(name="elsewhere.csv", days=29) as journal:
        assert (journal.is_new, journal.get_or_create_part(PART).once, journal.get_or_create_part(PART).import_id) == (
            False,
            once,
            str(ID),
        )
        journal.mark_settled(PART, {"counts": {"new": 1}})
    with opened() as journal:
        assert journal.get_or_create_part(PART).receipt == {"counts": {"new": 1}}


def test_a_part_that_was_refused_is_another_request_the_next_time(opened: Open) -> None:
    with opened() as journal:
        once = journal.get_or_create_part(PART).once
        journal.forget_part(PART)
    with opened() as journal:
        assert journal.get_or_create_part(PART).once != once


@pytest.mark.parametrize("other", [{"to": "jep"}, {"content": "2"}])
def test_another_upload_has_a_journal_of_its_own(opened: Open, other: dict[str, Any]) -> None:
    with opened() as one, opened(**other) as two:
        assert one.get_or_create_part(PART).once != two.get_or_create_part(PART).once


def test_an_upload_older_than_the_registrys_memory_begins_anew(opened: Open) -> None:
    with opened() as journal:
        once = journal.get_or_create_part(PART).once
    with opened(days=JOURNAL_LIFETIME.days + 1) as journal:
        assert (journal.is_new, journal.get_or_create_part(PART).once != once) == (True, True)
    with opened(days=JOURNAL_LIFETIME.days + 2) as journal:
        assert not journal.is_new


def test_a_file_that_has_changed_since_is_noticed_once(opened: Open) -> None:
    for journal in (before := opened(), opened(name="other.csv", content="3"), opened(to="jep", content="4")):
        journal.__exit__(None, None, None)
    with opened(content="2") as journal:
        assert journal.delete_former_journals()
        assert not before.file.exists()
        assert not journal.delete_former_journals()


def test_two_runs_do_not_send_one_list(opened: Open) -> None:
    with opened(), pytest.raises(PermanentError, match="another run"):
        opened()


@pytest.mark.parametrize("torn", [b'{"part": "run abc", "imp', b"\0" * 40])
def test_a_line_torn_off_by_a_power_cut_was_not_acted_on(opened: Open, torn: bytes) -> None:
    with opened() as journal:
        once = journal.get_or_create_part(PART).once
    with journal.file.open("ab") as file:
        file.write(torn)
    with opened() as journal:
        assert journal.get_or_create_part(PART).once == once
        journal.mark_sent(PART, ID)
    with opened() as journal:
        assert journal.get_or_create_part(PART).import_id == str(ID)


@pytest.mark.parametrize("line", ["x", "[]", '{"part": "nobody", "receipt": {}}', '{"part": "run abc", "name": "x"}'])
def test_a_damaged_journal_may_be_deleted_and_says_so(opened: Open, line: str) -> None:
    with opened() as journal:
        journal.get_or_create_part(PART)
    with journal.file.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(PermanentError, match=r"damaged: delete it .* change nothing"):
        opened()


@pytest.mark.parametrize("line", ["x", "[]", "{}", '{"journal": 1, "begun_at": "yesterday"}'])
def test_a_journal_that_begins_as_none_does_is_damaged_too(opened: Open, line: str) -> None:
    with opened() as journal:
        journal.file.write_text(line + "\n")
    with pytest.raises(PermanentError, match="damaged"):
        opened()


@pytest.mark.parametrize("full", ["write", "fsync", "open", "mkdir"])
def test_a_disk_that_is_full_is_one_clear_line(opened: Open, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    def refuse(*_given: Any, **_named: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path if full == "mkdir" else os, full, refuse)
    with pytest.raises(PermanentError, match=r"cannot be written \(No space left on device\)"):
        opened()


def test_half_a_line_is_no_line(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened() as journal:
        write = os.write
        monkeypatch.setattr(os, "write", lambda handle, text: write(handle, text[:9]))
        with pytest.raises(PermanentError, match="No space left"):
            journal.get_or_create_part(PART)
        monkeypatch.undo()
    with opened() as journal:
        assert journal.get_or_create_part(PART).once


def test_nobody_else_reads_it_and_nobody_is_named_in_it(opened: Open) -> None:
    with opened(to="https://registry.example foro", name="María.csv") as journal:
        journal.get_or_create_part(PART)
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (journal.file, journal.file.parent)]
    assert modes == [0o600, 0o700]
    said = journal.file.name + journal.file.read_text()
    assert not [word for word in ("registry", "foro", "mar") if word in said.lower()]


def test_an_upload_that_is_through_leaves_nothing(opened: Open) -> None:
    with opened() as journal:
        journal.finish()
    assert list(journal.file.parent.iterdir()) == []
