"""Test the hub as a real process.

Requests, answers, clocks, slow clients, huge requests, closed connections, and a full database.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from exchange.errors import ExchangeError, NotPassed
from exchange.hub.hub import Acceptance, Rejection
from exchange.hub.store import Store
from exchange.log.receipts import parse_receipt
from exchange.membership.history import announce_key
from offramp.cli import main
from tests.conftest import ROOT
from tests.support.attack_stories import TO_PROSECUTOR
from tests.support.hub_process import HubProcess, Starter, Wire, WireWorld, offramp, values
from tests.support.hub_records import STATUS_GRANT, compose_status, start_case
from tests.support.keys import key
from tests.support.simulator import part

WORD = "Xylocanary"


@pytest.fixture(scope="module")
def world(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireWorld]:
    """Serve one hub for the tests that change nothing, or only add their own case."""
    process = HubProcess(starter, tmp_path_factory.mktemp("served") / "hub")
    process.start()
    yield WireWorld(process)
    process.end()
    # No content of a request goes to any log, and no fault of the hub was missed by these tests.
    said = process.out.read_text()
    assert "Traceback" not in said and WORD not in said


# Records


def test_a_record_goes_from_one_gateway_to_another_and_opens(world: WireWorld) -> None:
    case = start_case(world)
    sent = world.send(
        "crossroads",
        "status",
        part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
        case=case,
    )
    world.pull("prosecutor")
    assert world.open("prosecutor", sent).opened.content == {"status": {"engagement": "engaged"}}


def test_a_record_sent_again_is_answered_with_the_same_receipt_and_one_of_other_bytes_is_a_conflict(
    world: WireWorld,
) -> None:
    case = start_case(world)
    bundle, wire = compose_status(world, case), world.wire
    first, again = (wire.ask("crossroads", "POST", "/v1/records", values(bundle)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["receipt"] == again.json()["receipt"]
    kept = wire.told("crossroads", "GET", f"/v1/records/{bundle.id}/receipt")
    assert parse_receipt(kept["receipt"]) == parse_receipt(first.json()["receipt"])
    world.at["crossroads"].sent(bundle.id, parse_receipt(kept["receipt"]))
    other = world.compose(
        "crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case, jti=bundle.id
    )
    answer = wire.ask("crossroads", "POST", "/v1/records", values(other))
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "id-taken"


def test_a_receipt_is_its_issuer_s_alone(world: WireWorld) -> None:
    case = start_case(world)
    sent = world.send("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    theirs = world.wire.ask("prosecutor", "GET", f"/v1/records/{sent}/receipt")
    nobodys = world.wire.ask("prosecutor", "GET", f"/v1/records/{'0' * 32}/receipt")
    assert theirs.status_code == nobodys.status_code == 404 and theirs.content == nobodys.content


def test_whoever_sends_another_s_record_gets_the_one_refusal_and_no_receipt(
    world: WireWorld,
) -> None:
    case = start_case(world)
    bundle = compose_status(world, case)
    answer = world.wire.ask("prosecutor", "POST", "/v1/records", values(bundle))
    assert answer.status_code == 403 and answer.json()["error"]["code"] == "not-passed"
    assert world.wire.ask("crossroads", "POST", "/v1/records", values(bundle)).status_code == 201
    # Nor once it is there, when a repeat would otherwise be answered.
    assert (
        world.wire.ask("prosecutor", "POST", "/v1/records", values(bundle)).content
        == answer.content
    )


def test_every_refusal_that_depends_on_a_case_is_the_same_bytes_on_a_quarter_second(
    world: WireWorld,
) -> None:
    case = start_case(world)
    known, unknown = (
        world.at["crossroads"].compose(
            "status", [part("status", {}, to=TO_PROSECUTOR)], case=case, now=world.clock
        ),
        None,
    )
    revoked = world.change(case, "end", agencies=["prosecutor"], grant=STATUS_GRANT["id"])
    assert revoked
    answers = []
    for one in (known, unknown):
        body = values(one) if one is not None else values(forced(world, world.new_case()))
        began = time.monotonic()
        answers.append(world.wire.ask("crossroads", "POST", "/v1/records", body))
        assert time.monotonic() - began >= 0.24
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content


def forced(world: WireWorld, case: str) -> object:
    """A record of a case that nobody has heard of, from a gateway that asks nothing itself."""
    from exchange.records.building import build_bundle

    gateway = world.at["crossroads"]
    told = part("status", {}, to=TO_PROSECUTOR)
    membership = gateway.history.membership_at(10**6)
    return build_bundle(
        gateway.signing,
        "status",
        [told],
        membership=membership,
        case=case,
        iat=world.clock,
        random_bytes=world.random,
    )


def test_a_batch_is_answered_one_by_one(world: WireWorld) -> None:
    case = start_case(world)
    good = compose_status(world, case)
    answer = world.wire.ask(
        "crossroads", "POST", "/v1/records", [values(good), {"record": "-"}, values(good)]
    )
    assert [one["status"] for one in answer.json()] == [201, 422, 200]
    assert {"code", "message", "fix"} <= set(answer.json()[1]["error"])
    many = world.wire.ask("crossroads", "POST", "/v1/records", [{}] * 101)
    assert many.status_code == 413 and many.json()["error"]["code"] == "too-large"


def test_a_record_over_its_limit_is_refused_in_whatever_it_comes(world: WireWorld) -> None:
    case = start_case(world)
    huge = values(compose_status(world, case))
    huge["sealed"][0]["ct"] = "A" * (1024 * 1024)
    for body in (huge, [huge]):
        answer = world.wire.ask("crossroads", "POST", "/v1/records", body).json()
        said = answer[0] if isinstance(answer, list) else answer
        assert said["error"]["code"] == "too-large"


# Requests


@pytest.mark.parametrize(
    "path", ["/v1/inbox", "/v1/log/checkpoint", "/v1/log/entries", f"/v1/accounting/{'0' * 32}"]
)
def test_an_unsigned_request_is_refused(world: WireWorld, path: str) -> None:
    answer = world.wire.ask(None, "GET", path)
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "not-signed"


def test_a_signed_request_counts_once_and_as_it_was_signed(world: WireWorld) -> None:
    wire, path = world.wire, "/v1/inbox?after=0"

    def sent(method: str, path: str, header: str, body: bytes = b"") -> str:
        answer = wire.client.request(
            method, wire.process.url + path, headers={"Authorization": header}, content=body
        )
        return "" if answer.is_success else str(answer.json()["error"]["code"])

    header = wire.signature("police", "GET", path, b"")
    assert sent("GET", path, header) == ""
    assert sent("GET", path, header) == "sent-before"
    for method, other, body in (
        ("GET", "/v1/inbox?after=1", b""),
        ("GET", path, b"-"),
        ("POST", "/v1/inbox/done", b""),
    ):
        assert (
            sent(method, other, wire.signature("police", "GET", path, b""), body)
            == "another-request"
        )


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_request_more_than_five_minutes_from_the_hub_s_clock_is_refused_with_its_date(
    world: WireWorld, skew: int
) -> None:
    from offramp.clock import of_http_date

    apart = Wire(world.process, world.clock + skew)
    answer = apart.ask("police", "GET", "/v1/inbox")
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "out-of-time"
    assert of_http_date(answer.headers["date"]) == world.clock


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/nothing", 404),
        ("PUT", "/v1/records", 405),
        ("GET", "/v1/log/inclusion?index=x&size=1", 400),
        ("GET", "/v1/packs/sha256:0", 404),
        ("POST", "/v1/join", 422),
    ],
)
def test_no_refusal_has_a_shape_of_its_own(
    world: WireWorld, method: str, path: str, wanted: int
) -> None:
    answer = world.wire.ask(None, method, path)
    assert answer.status_code == wanted and set(answer.json()) == {"error"}
    assert {"code", "message", "fix"} <= set(answer.json()["error"]) and answer.headers["date"]


def test_only_this_machine_sees_health_and_metrics_and_they_name_no_case(world: WireWorld) -> None:
    case = start_case(world)
    for path in ("/health", "/metrics"):
        assert world.wire.ask(None, "GET", path).status_code == 404
    assert world.wire.client.get(f"{world.process.health}/health").json()["status"] == "ok"
    text = world.wire.client.get(f"{world.process.health}/metrics").text
    assert "offramp_log_size" in text and case not in text and "crossroads" not in text
    # A submission is counted under its path, although it doesn't go through FastAPI's routes.
    assert 'offramp_requests_total{path="/v1/records",status="200"}' in text


# Waiting


def test_who_waits_is_answered_as_soon_as_something_comes(world: WireWorld) -> None:
    case = start_case(world)
    cursor = world.at["prosecutor"].cursor
    waiting = Wire(world.process, world.clock)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(waiting.ask, "prosecutor", "GET", f"/v1/inbox?after={cursor}&wait=20")
        time.sleep(0.2)
        began = time.monotonic()
        world.send("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
        assert len(answer.result(10).json()["items"]) == 1
    assert time.monotonic() - began < 2


def test_who_waits_costs_nothing(world: WireWorld) -> None:
    waiting = [Wire(world.process, world.clock) for _ in world.names]
    with ThreadPoolExecutor(len(waiting)) as pool:
        for name, wire in zip(world.names, waiting, strict=True):
            pool.submit(wire.ask, name, "GET", f"/v1/inbox?after={10**6}&wait=2")
        time.sleep(0.5)
        before = used(world.process.pid)
        time.sleep(1)
        assert used(world.process.pid) - before < 0.3


def used(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


# Clients that are no good


def connected(process: HubProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", process.port), timeout=60)


def test_a_body_over_the_limit_is_refused_while_it_is_read(world: WireWorld) -> None:
    with connected(world.process) as client:
        client.sendall(
            b"POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n"
        )
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += client.send(bytes(1024 * 1024))
        except OSError:
            pass
        assert sent < 64 * 1024 * 1024
    assert world.wire.client.get(f"{world.process.health}/health").status_code == 200


def test_slow_clients_and_those_that_hang_up_keep_nobody_else_waiting(world: WireWorld) -> None:
    slow = [connected(world.process) for _ in range(100)]
    for number, client in enumerate(slow):
        client.sendall(
            b"POST /v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"
            if number % 2
            else b"GET /hea"
        )
    began = time.monotonic()
    assert world.wire.ask("police", "GET", "/v1/inbox").status_code == 200
    assert time.monotonic() - began < 2
    for client in slow:
        client.close()
    path = "/v1/inbox?after=1000000&wait=5"
    for _ in range(10):
        with connected(world.process) as client:
            header = world.wire.signature("police", "GET", path, b"")
            client.sendall(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\n\r\n".encode()
            )
    assert world.wire.ask("police", "GET", "/v1/inbox").status_code == 200


# Stopping


def test_a_hub_that_is_told_to_stop_stops_well_also_while_somebody_waits(
    tmp_path: Path, starter: Starter
) -> None:
    process = HubProcess(starter, tmp_path / "hub")
    process.start()
    world = WireWorld(process)
    process.end()
    code = "import sys; from offramp.cli import main; sys.exit(main())"
    arguments = [
        "hub",
        "serve",
        str(process.path),
        "--port",
        str(process.port),
        "--clock",
        str(process.clock),
        "--health-port",
        "0",
    ]
    served = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert served.stdout is not None and "listens" in served.stdout.readline()
    for _ in range(200):
        try:
            world.wire.told("police", "GET", "/v1/inbox")
            break
        except OSError:
            time.sleep(0.02)
        except Exception:
            time.sleep(0.02)
    waiting = threading.Thread(target=lambda: _ignored(world), daemon=True)
    waiting.start()
    time.sleep(0.2)
    served.send_signal(signal.SIGTERM)
    assert served.wait(20) == 0
    assert process.fsck() == []
    assert (
        not (process.path / "hub.db-wal").exists()
        or (process.path / "hub.db-wal").stat().st_size == 0
    )


def _ignored(world: WireWorld) -> None:
    # The connection may go, or be answered.
    with suppress(httpx.TransportError):
        Wire(world.process, world.clock).ask("police", "GET", f"/v1/inbox?after={10**6}&wait=30")


def test_everything_is_there_after_a_restart_and_the_tree_grew_out_of_the_old_one(
    own_world: WireWorld,
) -> None:
    case = start_case(own_world)
    for name in ("defender", "prosecutor"):
        own_world.cosign(name)
    sent = own_world.send("crossroads", "status", part("status", {}, to=TO_PROSECUTOR), case=case)
    own_world.process.restart(signal.SIGKILL)
    own_world.pull("prosecutor")
    assert own_world.open("prosecutor", sent)
    assert [own_world.cosign(name) for name in ("defender", "prosecutor")] == [False, True]
    assert own_world.wire.told("defender", "GET", "/v1/log/checkpoint?witnessed=1")


def test_two_processes_never_serve_one_folder(own_world: WireWorld) -> None:
    second = offramp("hub", "serve", str(own_world.process.path), "--port", "1")
    assert second.returncode == 2 and "another program" in second.stderr
    assert own_world.wire.ask("police", "GET", "/v1/inbox").status_code == 200


# What the disk holds


def test_no_file_of_the_hub_holds_a_word_of_what_was_sealed_nor_what_was_withdrawn(
    own_world: WireWorld,
) -> None:
    case = start_case(own_world)
    told = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
    bundle = own_world.compose("crossroads", "status", told, case=case)
    (taken,) = own_world.submit(bundle)
    assert isinstance(taken, Acceptance)
    own_world.at["crossroads"].sent(bundle.id, taken.receipt)
    sealed = bundle.sealed[0].ct
    held = b"".join(file.read_bytes() for file in own_world.process.path.glob("hub.db*"))
    assert sealed[1000:1100] in held, "so that its absence means something"
    own_world.change(case, "end", agencies=["prosecutor"], grant=STATUS_GRANT["id"])
    for file in own_world.process.path.rglob("*"):
        if file.is_file():
            raw = file.read_bytes()
            assert b"engaged" not in raw
            assert not any(sealed[at : at + 32] in raw for at in range(0, len(sealed) - 32, 32)), (
                file.name
            )
    own_world.pull("prosecutor")
    assert bundle.id not in own_world.got("prosecutor")


@pytest.mark.parametrize("more", [0, 40_000, 150_000])
def test_on_a_full_disk_nothing_is_half_done_and_with_room_again_it_goes_on(
    own_world: WireWorld, more: int
) -> None:
    case = start_case(own_world)
    own_world.process.end()
    size = (own_world.process.path / "hub.db").stat().st_size
    # The write-ahead log is the first to grow; what it can't take, the hub must not say it has.
    own_world.process.start(fsize=max(more, 70_000) if more else size)
    taken, refused = [], []
    for _ in range(60):
        bundle = compose_status(own_world, case)
        try:
            (answer,) = own_world.submit(bundle)
        except ExchangeError as error:
            assert error.code == "no-room"
            refused.append(bundle)
            break
        assert isinstance(answer, Acceptance)
        taken.append((bundle, answer.receipt))
    assert refused, "the disk was never full"
    own_world.process.end(signal.SIGKILL)
    assert own_world.process.fsck() == []
    own_world.process.start()
    for bundle, receipt in taken:
        assert (
            parse_receipt(
                own_world.wire.told("crossroads", "GET", f"/v1/records/{bundle.id}/receipt")[
                    "receipt"
                ]
            )
            == receipt
        )
    (answer,) = own_world.submit(refused[0])
    assert isinstance(answer, Acceptance) and not answer.is_repeat
    assert answer.receipt.index == (
        max(receipt.index for _, receipt in taken) + 1 if taken else answer.receipt.index
    )
    own_world.process.end()
    assert own_world.process.fsck() == []


# Races


def test_whatever_the_log_puts_before_a_revocation_was_allowed_and_nothing_after_it_passes(
    own_world: WireWorld,
) -> None:
    """Send from several clients during a revocation: each record precedes it or is refused."""
    case = start_case(own_world)
    bundles = [compose_status(own_world, case) for _ in range(24)]
    end = own_world.terms(
        "crossroads", {"does": "end", "grant": STATUS_GRANT["id"]}, agencies=["prosecutor"]
    )
    revocation = own_world.compose("crossroads", "consent_change", end, case=case)

    def sent(bundle: object) -> Acceptance | Rejection:
        wire = Wire(own_world.process, own_world.clock)
        answer = wire.ask("crossroads", "POST", "/v1/records", values(bundle))
        from tests.support.hub_process import taken_of

        return taken_of(answer.json() | {"status": answer.status_code})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(sent, [*bundles[:12], revocation, *bundles[12:]]))
    revoked = answers.pop(12)
    assert isinstance(revoked, Acceptance)
    before = [one.receipt.index for one in answers if isinstance(one, Acceptance)]
    assert all(index < revoked.receipt.index for index in before)
    assert all(isinstance(one.error, NotPassed) for one in answers if isinstance(one, Rejection))
    # None had been handed out, so nobody reads any of them.
    own_world.pull("prosecutor")
    assert not own_world.got("prosecutor") & {bundle.id for bundle in bundles}


# Backups


def test_a_restored_hub_that_forgot_something_hands_out_nothing_and_grows_no_other_log(
    own_world: WireWorld,
) -> None:
    case = start_case(own_world)
    unsent = compose_status(own_world, case)
    copy = own_world.process.path.with_name("copy.db")
    assert offramp("hub", "backup", str(own_world.process.path), str(copy)).returncode == 0
    own_world.change(case, "end", agencies=["prosecutor"], grant=STATUS_GRANT["id"])
    for name in own_world.names:
        own_world.pull(name)
        own_world.cosign(name)
    own_world.process.end()
    assert offramp("hub", "restore", str(own_world.process.path), str(copy)).returncode == 0
    own_world.process.start()
    private = key("clinic.2026-12", "enc")
    announced = {"announced": announce_key(private.public, own_world.at["clinic"].signing)}
    for name, method, path, value in (
        ("prosecutor", "GET", "/v1/inbox", None),
        ("crossroads", "POST", "/v1/records", values(unsent)),
        ("clinic", "POST", "/v1/keys", announced),
        ("defender", "GET", f"/v1/accounting/{case}", None),
        ("defender", "GET", "/v1/log/checkpoint", None),
        ("defender", "POST", "/v1/log/cosignatures", {}),
        ("clinic", "POST", "/v1/directory/draft", {}),
        (None, "POST", "/v1/directory/signatures", {}),
    ):
        with pytest.raises(ExchangeError) as refused:
            own_world.wire.told(name, method, path, value)
        assert refused.value.code == "closed", path
    # Nor does it show anybody its smaller tree, at which every gateway would stop.
    with pytest.raises(ExchangeError) as behind:
        own_world.cosign("defender")
    assert behind.value.code == "closed"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_fsck_finds_a_flipped_byte_wherever_it_is(
    own_world: WireWorld, how: signal.Signals
) -> None:
    """Flip bytes in the database and in the write-ahead log that a killed hub leaves.

    SQLite would silently drop every commit after a damaged one.
    """
    start_case(own_world)
    own_world.process.end(how)
    assert own_world.process.fsck() == []
    for name in ("hub.db", "hub.db-wal"):
        file = own_world.process.path / name
        whole = file.read_bytes() if file.exists() else b""
        assert bool(whole) or (name, how) == ("hub.db-wal", signal.SIGTERM)
        places = [place for place in range(len(whole)) if whole[place]]
        # The head of the last frame is where one byte decides whether the last commit is one.
        last = (
            range(len(whole) - 4096 - 24, len(whole) - 4096)
            if name == "hub.db-wal" and whole
            else ()
        )
        for place in [*places[:: max(1, len(places) // 30)], *last]:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
            assert own_world.process.fsck(), f"byte {place} of {name} is missed"
        if whole:
            file.write_bytes(whole)
    assert own_world.process.fsck() == []


def test_a_hub_doesn_t_start_without_what_it_once_acknowledged(own_world: WireWorld) -> None:
    case = start_case(own_world)
    own_world.change(case, "end", agencies=["prosecutor"], grant=STATUS_GRANT["id"])
    own_world.process.end(signal.SIGKILL)
    wal = own_world.process.path / "hub.db-wal"
    whole = wal.read_bytes()
    middle = len(whole) // 2
    wal.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0x01]) + whole[middle + 1 :])
    refused = offramp("hub", "serve", str(own_world.process.path), "--port", "1")
    assert refused.returncode == 2 and "breaks off" in refused.stderr
    # What a power failure leaves of a commit that nobody was told of is no reason not to start.
    wal.write_bytes(whole[:-100])
    own_world.process.start()
    assert httpx.get(f"{own_world.process.health}/health").status_code == 200


def test_what_cannot_be_gone_back_to_is_refused_and_an_open_hub_waits_for_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub, backup = str(tmp_path / "hub"), str(tmp_path / "backup")
    assert main(["hub", "init", hub, "--pack", "lead"]) == 0
    assert main(["hub", "generation", hub]) == 2
    assert "[no-file]" in capsys.readouterr().err
    Store(tmp_path / "hub" / "hub.db").close()
    assert main(["hub", "generation", hub]) == 0
    assert capsys.readouterr().out.endswith("the hub is open; its log is in generation 1\n")
    assert main(["hub", "generation", hub, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"closed": False, "generation": 1}
    assert main(["hub", "generation", hub, "--without", "police"]) == 2
    assert "[not-closed]" in capsys.readouterr().err
    assert main(["hub", "backup", hub, backup]) == 0
    # Of before the founding: nobody could be told from a stranger.
    assert main(["hub", "restore", hub, backup]) == 2
    assert "is older than the directory" in capsys.readouterr().err
