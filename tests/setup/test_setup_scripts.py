"""The scripts that set a machine up say in one sentence what they cannot find, and never skip it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A PATH on which nothing is but what the scripts themselves need."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, where in (("dirname", "/usr/bin/dirname"), ("cat", "/bin/cat")):
        (folder / name).symlink_to(where)
    program(folder, "ls", "exit 2")  # PostgreSQL's programs are nowhere
    program(folder, "id", "echo 1000")
    return folder


def run(script: str, path: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / script, *words],
        env={"PATH": str(path), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_missing_programs_are_all_named_where_they_may_not_be_installed(bare: Path) -> None:
    done = run("tools/require_system_parts.sh", bare)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "postgresql chromium" in done.stderr


def test_only_what_is_missing_is_named(bare: Path) -> None:
    program(bare, "chromium", "exit 0")
    done = run("tools/require_system_parts.sh", bare)
    assert done.returncode == 1
    assert "postgresql" in done.stderr
    assert "chromium" not in done.stderr


def test_root_without_apt_is_told_what_is_missing_too(bare: Path) -> None:
    program(bare, "id", "echo 0")
    done = run("tools/require_system_parts.sh", bare)
    assert done.returncode == 1
    assert "postgresql chromium" in done.stderr


def test_root_on_debian_has_what_is_missing_installed(bare: Path) -> None:
    program(bare, "id", "echo 0")
    # An apt-get that "installs" by making the programs appear.
    program(
        bare,
        "apt-get",
        'case "$*" in *install*) for name in initdb chromium; do '
        f'printf "#!/bin/sh\\n" > "{bare}/$name"; /bin/chmod 755 "{bare}/$name"; done;; esac',
    )
    done = run("tools/require_system_parts.sh", bare)
    assert done.returncode == 0, done.stderr
    assert "Installing postgresql chromium" in done.stdout


def test_libraries_that_python_does_not_find_are_named_as_packages(bare: Path) -> None:
    program(bare, "initdb", "exit 0")
    program(bare, "chromium", "exit 0")
    program(bare, "python-without-pango", "exit 1")
    done = run("tools/require_system_parts.sh", bare, EXCHANGE_TEST_PYTHON=str(bare / "python-without-pango"))
    assert done.returncode == 1
    assert done.stderr.endswith(": libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation.\n")


def test_an_installation_that_brings_nothing_is_a_failure(bare: Path) -> None:
    program(bare, "id", "echo 0")
    program(bare, "apt-get", "exit 0")
    done = run("tools/require_system_parts.sh", bare)
    assert done.returncode == 1
    assert "not found" in done.stderr


def test_a_machine_that_has_everything_is_left_alone(bare: Path) -> None:
    program(bare, "initdb", "exit 0")
    program(bare, "chromium", "exit 0")
    program(bare, "apt-get", "echo touched; exit 1")
    done = run("tools/require_system_parts.sh", bare)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def clone_of_scripts(tmp_path: Path) -> Path:
    """A folder with the set-up script and nothing installed."""
    clone = tmp_path / "clone"
    (clone / "tools").mkdir(parents=True)
    script = clone / "tools" / "make_environment.sh"
    script.write_bytes((ROOT / "tools" / "make_environment.sh").read_bytes())
    script.chmod(0o755)
    return script


def test_a_machine_without_a_fitting_python_is_told_so(bare: Path, tmp_path: Path) -> None:
    script = clone_of_scripts(tmp_path)
    program(bare, "python3", "exit 1")  # one that is too old answers so
    done = subprocess.run(
        [script, "x.lock"], env={"PATH": str(bare)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "Python 3.11 or newer is not found: install it, or name it with PYTHON=/path/to/python3.\n"


def test_a_python_without_its_venv_module_is_named(bare: Path, tmp_path: Path) -> None:
    script = clone_of_scripts(tmp_path)
    program(bare, "python3.11", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = subprocess.run(
        [script, "x.lock"], env={"PATH": str(bare)}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_continuous_integration_runs_make_test_and_nothing_else(tmp_path: Path) -> None:
    program(tmp_path, "make", 'echo "make $*"; echo "input: $(cat | wc -c)"; pwd; exit 7')
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", ROOT / ".ci" / "run"], env={"PATH": path}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n") == ["make test", "input: 0", str(ROOT), ""]
    assert done.returncode == 7


def test_without_python_3_12_no_environment_of_peers_is_made_and_it_is_said(bare: Path, tmp_path: Path) -> None:
    done = run("tools/make_peer_environment.sh", bare, HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Python 3.12 is not found")
    assert len(done.stderr.splitlines()) == 1
    assert run("tools/make_peer_environment.sh", bare, "--find", HOME=str(tmp_path)).returncode == 1


def test_a_python_of_another_version_is_not_taken_for_3_12(bare: Path, tmp_path: Path) -> None:
    program(bare, "python3.12", "exit 1")
    program(bare, "python3", "exit 1")
    assert run("tools/make_peer_environment.sh", bare, "--find", HOME=str(tmp_path)).returncode == 1
    program(bare, "python3", "exit 0")
    assert run("tools/make_peer_environment.sh", bare, "--find", HOME=str(tmp_path)).stdout == "python3\n"
