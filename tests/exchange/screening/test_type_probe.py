import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.file_kinds import HeldContentError, kind_for_name, load_file_kinds, verify_content
from exchange.screening import type_probe
from exchange.screening.type_probe import MOST_HEAD, ProbeError, TypeProbe

READY = r"import os,struct,time; w=lambda b: os.write(1, struct.pack('>I', len(b)) + b); w(b'ready limited'); "
FIRST_MIB = MOST_HEAD


@pytest.fixture
def planted() -> Iterator[Callable[..., TypeProbe]]:
    """A probe whose child runs a line of Python: faults without waiting for luck."""
    made: list[TypeProbe] = []

    def plant(code: str, answer_seconds: float = 60, start_seconds: float = 60) -> TypeProbe:
        made.append(TypeProbe(answer_seconds, start_seconds, (sys.executable, "-I", "-c", code)))
        return made[-1]

    yield plant
    for each in made:
        each.close()


def child_of(probe: TypeProbe) -> subprocess.Popen[bytes]:
    assert probe._child is not None
    return probe._child._process


def test_a_real_file_is_seen_as_a_type_that_its_name_allows(probe: TypeProbe, sample: tuple[str, bytes, str]) -> None:
    name, content, mime = sample
    head = content[:FIRST_MIB]
    assert probe.detect(head) == mime
    verify_content(kind_for_name(name), mime, head)


def test_what_is_not_taken_is_seen_under_any_name(probe: TypeProbe, refused_sample: tuple[bytes, str]) -> None:
    content, mime = refused_sample
    assert probe.detect(content) == mime
    for kind in load_file_kinds().accepted:
        with pytest.raises(HeldContentError):
            verify_content(kind, mime, content)


def test_only_the_first_mebibyte_is_looked_at(probe: TypeProbe) -> None:
    assert probe.detect(b"%PDF-1.7\n" + bytes(3 * MOST_HEAD)) == "application/pdf"
    assert probe.detect(b"a" * MOST_HEAD + bytes(9)) == "text/plain"


def test_empty_content_has_a_type_of_its_own(probe: TypeProbe) -> None:
    assert probe.detect(b"") == "application/x-empty"


def test_many_threads_share_one_child_and_never_each_others_answers(probe: TypeProbe) -> None:
    questions = [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"{\\rtf1}", "text/rtf"),
        (b"hello\n" * 50_000, "text/plain"),
    ] * 20
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda question: probe.detect(question[0]), questions))
    assert answers == [mime for _, mime in questions]


def test_a_child_that_was_killed_is_replaced_unnoticed(probe: TypeProbe) -> None:
    probe.detect(b"hello")
    first = child_of(probe)
    first.kill()
    first.wait()
    assert probe.detect(b"%PDF-1.7\n") == "application/pdf"
    assert child_of(probe).pid != first.pid


def test_a_child_is_replaced_after_its_share_of_files(probe: TypeProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    probe.detect(b"hello")
    first = child_of(probe).pid
    monkeypatch.setattr(type_probe, "_PROBES_PER_CHILD", 1)
    probe.detect(b"hello")
    assert child_of(probe).pid != first


def test_a_forked_process_asks_a_child_of_its_own_and_leaves_the_first_alone(probe: TypeProbe) -> None:
    probe.detect(b"hello")
    inherited = child_of(probe)
    forked = os.fork()
    if forked == 0:
        try:
            right = probe.detect(b"%PDF-1.7\n") == "application/pdf" and child_of(probe).pid != inherited.pid
            probe.close()
            os._exit(0 if right else 1)
        finally:
            os._exit(2)
    assert os.waitpid(forked, 0)[1] == 0
    assert probe.detect(b"hello") == "text/plain"
    assert child_of(probe).pid == inherited.pid


def test_the_child_ends_when_the_probe_is_forgotten() -> None:
    forgotten = TypeProbe(60, 60)
    forgotten.detect(b"hello")
    process = child_of(forgotten)
    del forgotten
    gc.collect()
    assert process.returncode is not None


def test_the_child_ends_when_its_input_ends(probe: TypeProbe) -> None:
    probe.detect(b"hello")
    assert probe._child is not None
    process = child_of(probe)
    probe._child._to_child.close()
    assert process.wait(60) == 0
    probe.close()


def test_the_child_has_no_environment_and_no_descriptor_but_its_pipes(probe: TypeProbe, tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as inheritable:
        os.set_inheritable(inheritable.fileno(), True)  # noqa: FBT003  # the call has no other form
        probe.close()
        probe.detect(b"hello")
        proc = Path(f"/proc/{child_of(probe).pid}")
        if os.geteuid() == 0:  # an undumpable process shows these to root alone
            assert sorted(path.name for path in (proc / "fd").iterdir()) == ["0", "1", "2"]
            assert (proc / "environ").read_bytes() == b""
        limits = (proc / "limits").read_text()
    assert "Max open files            3                    3" in limits
    assert "Max file size             0                    0" in limits
    assert "Max core file size        0                    0" in limits
    assert "Max address space         268435456            268435456" in limits


def test_the_child_loads_no_keys_no_service_and_no_network(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import exchange.screening.probe_child, pylibmagic, magic;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-I", "-c", code, type_probe._ROOT]
    loaded = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path, env={}).stdout.decode().split()
    assert not {"keys", "audit", "config", "flask", "sqlalchemy", "cryptography", "ssl"} & set(loaded)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("ends at once", "pass"),
        ("says something else", "import os; os.write(1, b'\\0\\0\\0\\5hello')"),
        ("claims a long greeting", "import os; os.write(1, b'\\xff\\xff\\xff\\xff')"),
    ],
)
def test_a_child_that_does_not_start_well_is_an_error(planted: Callable[..., TypeProbe], what: str, code: str) -> None:
    probe = planted(code)
    with pytest.raises(ProbeError, match="does not start"):
        probe.detect(b"hello")
    assert probe._child is None, what


def test_a_child_that_never_greets_is_given_up_in_time(planted: Callable[..., TypeProbe]) -> None:
    probe = planted("import os; os.read(0, 1)", start_seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(ProbeError, match="does not start"):
        probe.detect(b"hello")
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("dies on the question", "os.read(0, 4)"),
        ("answers too long", "os.read(0, 4); w(b'a/' + b'a' * 200); os.read(0, 99)"),
        ("answers nonsense", "os.read(0, 4); w(b'<script>'); os.read(0, 99)"),
        ("answers nothing", "os.read(0, 4); w(b''); os.read(0, 99)"),
        ("answers two lines", "os.read(0, 4); w(b'text/plain\\n'); os.read(0, 99)"),
        ("breaks off its answer", "os.read(0, 4); os.write(1, b'\\0\\0\\0\\4te')"),
    ],
)
def test_a_child_that_misbehaves_is_an_error_and_is_ended(
    planted: Callable[..., TypeProbe], what: str, code: str
) -> None:
    probe = planted(READY + code)
    with pytest.raises(ProbeError, match="could not be determined"):
        probe.detect(b"hello")
    assert probe._child is None, what


@pytest.mark.parametrize("size", [5, MOST_HEAD])
def test_a_child_that_hangs_is_given_up_in_time_whether_or_not_it_reads(
    planted: Callable[..., TypeProbe], size: int
) -> None:
    probe = planted(READY + "time.sleep(600)", answer_seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(ProbeError, match="in time"):
        probe.detect(bytes(size))
    assert time.monotonic() - begun < 30
    assert probe._child is None


def test_waiting_for_a_turn_is_bounded_too(planted: Callable[..., TypeProbe]) -> None:
    probe = planted(READY + "time.sleep(600)", answer_seconds=0.1)
    with probe._lock, ThreadPoolExecutor(1) as pool, pytest.raises(ProbeError, match="Too many"):
        pool.submit(probe.detect, b"hello").result()


def test_closing_twice_and_asking_again_are_both_fine(probe: TypeProbe) -> None:
    probe.close()
    probe.close()
    assert probe.detect(b"hello") == "text/plain"
