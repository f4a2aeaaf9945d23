"""The dashboard and the rules for alerts ask for metrics, labels and codes that a scrape tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Metric

from app import errors
from app.api.middleware.concurrency import compute_lane_sizes
from app.api.middleware.metrics import CACHED_LANE, METRIC_METHODS, OTHER_METHOD, Metrics, StatusCollector
from app.imports.filing.import_store import OPEN_STATES
from app.log import mark
from app.registry import alerts, report_versions
from app.registry.publication import erasure, objections
from tests.databases import Templates, settings_of
from tests.docs.reading import ROOT
from tests.support import World

DASHBOARD = ROOT / "deploy" / "grafana" / "recuento.json"
RULES = ROOT / "deploy" / "prometheus-rules.yml"
PAGE = ROOT / "docs" / "operators.md"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
WARNINGS = {
    alerts.WITHDRAWALS_WARNING,
    report_versions.HIDING_LIMIT_WARNING,
    objections.UNANSWERED_OBJECTIONS_WARNING,
    erasure.UNFINISHED_ERASURE_WARNING,
}
VALUES = {
    "lane": {*compute_lane_sizes(4), CACHED_LANE, "none"},
    "method": METRIC_METHODS | {OTHER_METHOD},
    "status": {f"{number}xx" for number in range(1, 6)} | {"none", "429", "503"},
    "code": WARNINGS | {errors.Busy.code, errors.TooManyRequests.code, mark.LogWentBackwards.code},
    "state": set(OPEN_STATES),
}


@pytest.fixture(scope="module")
def families(templates: Templates) -> list[Metric]:
    with templates.copy("sqlite", templates.empty("sqlite")) as url, World(settings_of(url), keys={"no": ""}) as world:
        registry = CollectorRegistry()
        registry.register(StatusCollector(world.app.state))
        return [*registry.collect(), *Metrics().registry.collect()]


@pytest.fixture(scope="module")
def exposed(families: list[Metric]) -> set[str]:
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def expressions() -> list[str]:
    """Everything that is asked of Prometheus."""
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [*panels, *re.findall(r"expr: (.+)", RULES.read_text())]


def asked() -> Iterator[str]:
    for expression in expressions():
        yield from re.findall(r"\brecuento_\w+", expression)


def test_every_metric_of_the_dashboard_and_of_the_rules_is_told_and_every_metric_is_shown(exposed: set[str]) -> None:
    assert set(asked()) <= exposed
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked()}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed} == shown


def test_every_label_that_is_asked_for_is_there_and_can_have_that_value(families: list[Metric]) -> None:
    known = {label for family in families for sample in family.samples for label in sample.labels}
    known |= {"route", "method", "status", "code", "lane", "place", "state", "le", "job", "instance"}
    for expression in expressions():
        for label, _how, value in re.findall(r'(\w+)(=~?)"([^"]*)"', expression):
            if label == "job":
                continue
            assert set(value.split("|")) <= VALUES[label], expression
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            assert set(labels.split(", ")) <= known, expression


def test_the_dashboard_is_one_that_can_be_imported() -> None:
    read = dashboard()
    assert read["title"] == "Recuento"
    numbers = [panel["id"] for panel in read["panels"]]
    assert len({*numbers}) == len(numbers) > 10
    for panel in read["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${source}"}
        assert panel["title"]


def test_the_dashboard_is_of_every_registry_by_itself() -> None:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            assert target["expr"].count('job=~"$job"') == len(re.findall(r"\brecuento_\w+", target["expr"]))


def test_operators_are_told_of_every_metric_and_every_alert(exposed: set[str]) -> None:
    page = PAGE.read_text()
    told = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"`(recuento_\w+)`", page)}
    assert told >= {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed}
    for alert in re.findall(r"alert: (\w+)", RULES.read_text()):
        assert f"`{alert}`" in page, alert


def test_the_two_files_are_there_under_the_names_that_operators_are_told() -> None:
    for path in (DASHBOARD, RULES):
        assert f"`{path.relative_to(ROOT)}`" in PAGE.read_text()
        assert Path(path).exists()
