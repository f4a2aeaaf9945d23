"""Holders of keys are told what is new: in numbers, once an hour, by a mail server or in a feed that only they know."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from pydantic import ValidationError
from sqlmodel import Session

from app.config import Settings, UnreadableSecret
from app.db.engine import open_write_session
from app.notices import holders
from app.notices.delivery import Mailer, build_mailer
from app.notices.job import NoticeJob
from app.registry import api_keys
from app.registry.curation import proposals
from app.registry.review import limits
from app.vocabulary import Role
from tests.notices.mail_sink import MailSink, sinking_mail
from tests.support import World

ADDRESS, LINK = "rita.sosa@example.org", "https://registry.example/en/desk"
NAMES = ("Quintana", "Tomás", "Foro", "Jep", "rita", "Holder of")


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with sinking_mail() as made:
        yield made


@pytest.fixture
def job(world: World, sink: MailSink) -> NoticeJob:
    """The job of a server that mails to the sink, and has mailed nothing yet."""
    return make_job(world, Mailer(sink.url, "notices@registry.example", None))


def make_job(world: World, mailer: Mailer | None) -> NoticeJob:
    state = world.app.state
    return NoticeJob(world.engine, state.secret, state.clock, state.names, mailer, "https://registry.example")


def get_key_id(world: World, who: str) -> str:
    return world.keys[who][4:12]


def tell(world: World, who: str, address: str = ADDRESS) -> None:
    with open_write_session(world.engine) as session:
        holders.set_email(session, world.app.state.secret, get_key_id(world, who), address, world.now)
    world.now += timedelta(minutes=1)


def run(world: World, job: NoticeJob, minutes: int = 0) -> None:
    """Let so many minutes pass, then prepare and send what is due, and note what was sent."""
    world.now += timedelta(minutes=minutes)
    job.prepare()
    job.send()
    job.prepare()


def object_to(world: World, number: int = 1) -> None:
    for n in range(number):
        person = world.file(
            detainee__full_name=f"Tomás Quintana {'ABCDEF'[n]}", detention__detained_on=f"2024-1{n % 3}"
        )
        world.object_to(f"/v1/detainees/{person['detainee']['id']}", host=f"198.51.100.{n + 1}")
    world.beat()


def texts(sink: MailSink) -> list[str]:
    return [str(mail.get_payload(decode=True).decode()) for mail in sink.mails]  # type: ignore[union-attr]


def test_a_curator_is_mailed_how_many_of_which_kind_and_a_link_and_no_name(
    world: World, job: NoticeJob, sink: MailSink
) -> None:
    tell(world, "curator")
    object_to(world, 2)
    run(world, job, 10)
    (mail,) = sink.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("notices@registry.example", ADDRESS, "Aviso / Notice")
    assert mail["Message-ID"].endswith("@registry.example>")
    (text,) = texts(sink)
    assert "Objections / Objeciones: 2" in text
    assert text.rstrip().endswith(LINK)
    assert not [name for name in NAMES if name in text]


def test_a_holder_gets_at_most_one_mail_an_hour_and_the_next_one_has_the_rest(
    world: World, job: NoticeJob, sink: MailSink
) -> None:
    tell(world, "curator")
    object_to(world)
    run(world, job, 10)
    object_to(world, 3)
    for _ in range(4):
        run(world, job, 10)
    assert len(sink.mails) == 1
    run(world, job, 20)
    assert "Objections / Objeciones: 3" in texts(sink)[1]
    run(world, job, 120)
    assert len(sink.mails) == 2, "nothing new is no mail"


def test_two_servers_send_one_mail(world: World, job: NoticeJob, sink: MailSink) -> None:
    tell(world, "curator")
    object_to(world)
    world.now += timedelta(minutes=10)
    other = make_job(world, Mailer(sink.url, "notices@registry.example", None))
    job.prepare()
    other.prepare()
    job.send()
    other.send()
    assert len(sink.mails) == 1


def test_a_mail_that_fails_is_sent_again_and_the_log_has_no_address(
    world: World, job: NoticeJob, sink: MailSink, caplog: pytest.LogCaptureFixture
) -> None:
    tell(world, "curator")
    object_to(world)
    sink.refusal = f"550 <{ADDRESS}> is unknown here"
    run(world, job, 10)
    assert sink.mails == []
    assert "a notice could not be sent: SMTPRecipientsRefused" in caplog.text
    assert "example.org" not in caplog.text
    sink.refusal = None
    object_to(world, 2)
    run(world, job, 5)
    assert sink.mails == [], "it is not tried more often than every ten minutes"
    run(world, job, 10)
    assert "Objections / Objeciones: 3" in texts(sink)[0]


def test_a_mail_server_elsewhere_gets_nothing_without_tls(
    world: World, sink: MailSink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.notices.delivery.is_loopback", lambda _host: False)
    tell(world, "curator")
    object_to(world)
    run(world, make_job(world, Mailer(sink.url, "notices@registry.example", None)), 10)
    assert (sink.mails, sink.envelopes) == ([], [])
    assert "SMTPNotSupportedError" in caplog.text


def test_the_settings_name_the_server_the_user_and_a_private_file_with_the_password(
    sink: MailSink, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("only for tests\n")
    file.chmod(0o600)
    url = sink.url.replace("//", "//notices%40registry.example@")
    more: dict[str, Any] = {"smtp_sender": "notices@registry.example", "public_url": "https://registry.example"}
    mailer = build_mailer(Settings(smtp_url=url, smtp_password_file=file, **more))
    assert mailer is not None
    mailer.send(ADDRESS, {"pairs": 2}, LINK)
    assert sink.logins == [b"\0notices@registry.example\0only for tests"]
    assert len(sink.mails) == 1
    file.chmod(0o644)
    with pytest.raises(UnreadableSecret, match="chmod 600"):
        build_mailer(Settings(smtp_url=url, smtp_password_file=file, **more))
    with pytest.raises(ValidationError, match="RECUENTO_SMTP_SENDER"):
        Settings(smtp_url=url)
    with pytest.raises(ValidationError):
        Settings(smtp_url="http://mail.example.org", **more)


def test_a_slow_server_gets_one_mail_of_a_holder_at_a_time(world: World, job: NoticeJob, sink: MailSink) -> None:
    tell(world, "curator")
    object_to(world)
    world.now += timedelta(minutes=10)
    job.prepare()
    world.now += timedelta(minutes=30)  # for so long the mail server took others' mails
    job.prepare()
    job.send()
    assert len(sink.mails) == 1


def test_pairs_and_decisions_of_others_reach_curators_and_ones_own_decisions_do_not(
    world: World, job: NoticeJob, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
    world.add_second_curator()
    tell(world, "curator")
    tell(world, "second curator", "luis@example.org")
    a, b = world.file("foro"), world.file("foro", detention__facility="Ramo Verde")
    world.find_pairs()
    body = {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "judgement": "same", "reason": "the same mother"}
    assert world.post("/v1/identity", body, "curator").status_code == 202
    run(world, job, 10)
    by_address = {mail["To"]: text for mail, text in zip(sink.mails, texts(sink), strict=True)}
    assert "Possible duplicates / Posibles duplicados: 1" in by_address[ADDRESS]
    assert "Decisions" not in by_address[ADDRESS]
    assert (
        "Decisions that wait for a second person / Decisiones que esperan a una segunda persona: 1"
        in (by_address["luis@example.org"])
    )


def test_a_curator_hears_of_reports_that_await_review(
    world: World, job: NoticeJob, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 1)
    tell(world, "curator")
    for number in range(3):
        world.file(detainee__full_name=f"Ana Prieto {'IV'[number % 2] * (number + 1)}", source_record_id=str(number))
    run(world, job, 10)
    assert "Reports that await review / Reportes que esperan revisión: 2" in texts(sink)[0]


def test_what_two_keys_of_one_holder_may_read_is_counted_once(
    world: World, job: NoticeJob, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
    with open_write_session(world.engine) as session:
        for role in (Role.CURATOR, Role.ADMIN):
            world.keys[f"Rita as {role}"] = api_keys.create_key(session, role, None, 30, world.now, "Rita Sosa")
    tell(world, "Rita as curator")
    a, b = world.file("foro"), world.file("foro", detention__facility="Ramo Verde")
    body = {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "judgement": "same", "reason": "the same mother"}
    assert world.post("/v1/identity", body, "curator").status_code == 202
    run(world, job, 10)
    assert "Decisions that wait for a second person / Decisiones que esperan a una segunda persona: 1" in texts(sink)[0]


def test_a_source_hears_of_others_verdicts_on_its_cases_as_far_as_public_lists_show_them(
    world: World, job: NoticeJob, sink: MailSink
) -> None:
    tell(world, "foro")
    shown, hidden = world.file(), world.file(detainee__full_name="Ulises Barrios", detention__detained_on="2023-05-01")
    elsewhere = world.file("pud", detainee__full_name="Ana Prieto", detention__detained_on="2022-05-01")
    world.verify(shown["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.verify(hidden["release"]["id"], "jep", verdict="refuted", method="lawyer")
    world.verify(elsewhere["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.verify(shown["release"]["id"], "foro", verdict="verified", method="court_record")
    world.consent(hidden["detainee"]["id"], "counted")
    run(world, job, 10)
    assert texts(sink)[0].startswith("Verdicts of others on your cases / Veredictos de otros sobre sus casos: 1\n")


def test_a_warning_is_told_once_until_it_is_raised_anew(
    world: World, job: NoticeJob, sink: MailSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = ["many_withdrawals"]
    monkeypatch.setattr("app.registry.alerts.list_operator_warnings", lambda *_arguments: raised)
    tell(world, "admin")
    tell(world, "foro", "foro@example.org")
    for warnings, mails in ((["many_withdrawals"], 1), (["many_withdrawals"], 1), ([], 1), (["many_withdrawals"], 2)):
        raised[:] = warnings
        run(world, job, 70)
        assert len(sink.mails) == mails
    assert {mail["To"] for mail in sink.mails} == {ADDRESS}


def test_a_limited_key_is_told_only_of_what_it_may_read(world: World, job: NoticeJob, sink: MailSink) -> None:
    with open_write_session(world.engine) as session:
        key = api_keys.create_key(session, Role.CURATOR, None, 30, world.now, "Rita Sosa", ["GET /v1/review"])
    world.keys["limited"] = key
    tell(world, "limited")
    object_to(world)
    run(world, job, 10)
    assert sink.mails == []


def test_a_feed_has_the_same_digests_at_an_address_that_only_its_holder_knows(world: World) -> None:
    with open_write_session(world.engine) as session:
        path = holders.create_feed(session, get_key_id(world, "curator"), world.now)
    world.now += timedelta(minutes=1)
    object_to(world)
    run(world, make_job(world, None), 10)
    answer = world.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = Xml.fromstring(answer.text)
    (entry,) = feed.findall("{*}entry")
    assert entry.findtext("{*}content") == "Objections / Objeciones: 1"
    assert not [name for name in NAMES if name in answer.text]
    token = path.removeprefix("/v1/notices/").removesuffix(".atom")
    assert token not in str(world.rows("SELECT * FROM notice_holder"))
    with open_write_session(world.engine) as session:
        holders.create_feed(session, get_key_id(world, "curator"), world.now)
    world.refuse(world.get(path), 404, "not_found")


def test_an_address_is_stored_sealed_and_erased_with_the_holders_last_key(world: World, job: NoticeJob) -> None:
    tell(world, "foro")
    assert ADDRESS not in str(world.rows("SELECT * FROM notice_holder"))
    with open_write_session(world.engine) as session:
        successor = api_keys.rotate_key(session, get_key_id(world, "foro"), 30, world.now, ends_in=0)
    run(world, job)
    assert count_rows(world) == 1, "the successor is of the same holder"
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, successor[4:12], world.now)
    assert count_rows(world) == 0
    tell(world, "jep")
    run(world, job, 60 * 24 * 400)
    assert count_rows(world) == 0, "a key ends by its term too"


def count_rows(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM notice_holder")[0][0])


@pytest.mark.parametrize(
    "address", ["rita", "rita@localhost", "rita sosa@example.org", "a@b@example.org", "a@b.c\nBcc: d@e.f"]
)
def test_what_is_no_address_is_refused(world: World, address: str) -> None:
    def store(session: Session) -> None:
        holders.set_email(session, world.app.state.secret, get_key_id(world, "foro"), address, world.now)

    with pytest.raises(Exception, match="not an e-mail address"), open_write_session(world.engine) as session:
        store(session)
    assert count_rows(world) == 0
