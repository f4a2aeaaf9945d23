"""Lists that cost a server far more than their bytes, and the list of somebody else who waits behind them."""

import io
import time
import zipfile
from dataclasses import dataclass

from tests.drills.abuse.attacks import build_invented_releases, build_lines
from tests.drills.abuse.registry import ATTACKER, HONEST, Server

REPEATED_ROWS = 1_000_000_000
EQUAL_LINES = 20_000
HONEST_ROWS = 200
MAX_LIST_SLOWDOWN = 2.0  # no less than half speed
GRACE_SECONDS = 5.0  # a list of 200 rows takes about as long as a worker needs to notice it

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_WORKBOOK = (
    f'<office:document-content xmlns:office="{_NAMESPACE}office:1.0" xmlns:table="{_NAMESPACE}table:1.0" '
    f'xmlns:text="{_NAMESPACE}text:1.0"><office:body><office:spreadsheet><table:table table:name="a">{{rows}}'
    "</table:table></office:spreadsheet></office:body></office:document-content>"
)


@dataclass(frozen=True)
class Delay:
    """Seconds of an honest list alone and beside an attack, None where it was not done in time."""

    quiet: float
    attacked: float | None
    ready_status: int
    ready_text: str
    command_code: int

    @property
    def limit(self) -> float:
        return self.quiet * MAX_LIST_SLOWDOWN + GRACE_SECONDS


def build_workbook() -> bytes:
    """Return an ODS file of a few hundred bytes with a row that is repeated a billion times."""
    headings = _build_row(("full_name", "country", "released_on"), 1)
    rows = headings + _build_row(("Amaranta Abril Alvarado Ibarra", "VE", "2026-01-12"), REPEATED_ROWS)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{_NAMESPACE}manifest:1.0"/>')
        archive.writestr("content.xml", _WORKBOOK.format(rows=rows))
    return file.getvalue()


def _build_row(cells: tuple[str, ...], repeated: int) -> str:
    texts = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in cells
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{texts}</table:table-row>'


def build_equal_lines() -> bytes:
    """Return a CSV file that has one line many times."""
    line = "Amaranta Abril Alvarado Ibarra,1980,VE,2026-01-12\n"
    return ("name,birth,country,released on\n" + line * EQUAL_LINES).encode()


def delay_lists(server: Server, data: bytes, patience: float) -> Delay:
    """Send an honest list alone, and another one behind a hostile one."""
    quiet = _time_list(server, "QUIET", patience)
    server.start_list(data, ATTACKER, confirm="true")
    time.sleep(1.0)  # until the worker has taken it up
    attacked = _time_list(server, "BESIDE", patience)
    ready = server.ask("GET", "/readyz")
    status = server.checkout.run_command(server.database, "status")
    return Delay(quiet or patience, attacked, ready.status_code, ready.text, status.returncode)


def _time_list(server: Server, prefix: str, patience: float) -> float | None:
    begun = time.monotonic()
    data = build_lines(build_invented_releases(HONEST_ROWS, prefix))
    receipt = server.start_list(data, HONEST, confirm="true")
    done = server.wait_for_list(receipt, HONEST, patience)
    return time.monotonic() - begun if done else None
