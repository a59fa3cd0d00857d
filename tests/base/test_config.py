"""base/config.py: every switch has a way in, and every bad one is refused with the good ones listed."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from baregrad.base import cache_key_fields, config, override
from baregrad.base.config import Config, from_environment, knobs
from baregrad.base.errors import ConfigError

GOOD = [  # environment                     field        value
    ({"BG_DEBUG": "3"}, "debug", 3),
    ({"BG_CHECK": "on"}, "check", True),
    ({"BG_CONTRACT": "FALSE"}, "contract", False),
    ({"BG_DEVICE": "CPU"}, "device", "CPU"),
    ({"BG_THREADS": "1"}, "threads", 1),
    ({"BG_FEATURES": "avx2,fma"}, "features", "avx2,fma"),
    ({"BG_CACHE_DIR": "/x"}, "cache_dir", "/x"),
    ({"XDG_CACHE_HOME": "/xdg"}, "cache_dir", "/xdg/baregrad"),
    ({"XDG_CACHE_HOME": "/xdg", "BG_CACHE_DIR": "/x"}, "cache_dir", "/x"),
    ({"PATH": "/bin"}, "debug", 0),
]

BAD = [  # environment          the message has
    ({"BG_DEBUG": "high"}, ["BG_DEBUG='high'", "not int", "1 kernels"]),
    ({"BG_DEBUG": "9"}, ["BG_DEBUG=9", "0, 1, 2, 3, 4"]),
    ({"BG_CHECK": "maybe"}, ["BG_CHECK='maybe'", "true", "off"]),
    ({"BG_THREADS": "-1"}, ["BG_THREADS=-1", "negative"]),
    ({"BG_DEBGU": "1"}, ["BG_DEBGU", "BG_DEBUG", "BG_CACHE_DIR"]),
]


@pytest.mark.smoke
@pytest.mark.parametrize("environment, name, value", GOOD)
def test_environment(environment, name, value):
    assert getattr(from_environment(environment), name) == value


@pytest.mark.parametrize("environment, parts", BAD)
def test_bad_environment_is_refused(environment, parts):
    with pytest.raises(ConfigError) as caught:
        from_environment(environment)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_override_ends_with_its_block():
    before = config()
    with override(contract=True, threads=3) as inside, override(threads=4):
        assert (config().contract, config().threads, inside.threads) == (True, 4, 3)
    assert config() is before


def test_override_ends_with_an_error():
    before = config()
    with pytest.raises(KeyError), override(contract=True):
        raise KeyError("stop")
    assert config() is before


@pytest.mark.parametrize(
    "changes", [{"debgu": 1}, {"debug": "1"}, {"check": 1}, {"threads": -1}, {"debug": 7}]
)
def test_bad_override_is_refused(changes):
    with pytest.raises(ConfigError) as caught, override(**changes):
        pass
    assert caught.value.mend


def test_a_new_thread_has_the_environments_config():
    seen = []
    with override(threads=7):
        thread = threading.Thread(target=lambda: seen.append(config().threads))
        thread.start()
        thread.join()
    assert seen == [Config().threads]


def test_every_switch_has_its_facts():
    rows = knobs()
    assert len({row.env for row in rows}) == len(rows)
    for row in rows:
        assert row.env.startswith("BG_"), row
        assert row.sentence, row
        assert getattr(Config(), row.name) == row.default


def test_cache_key_has_what_changes_code():
    names = [name for name, _ in cache_key_fields()]
    assert "contract" in names
    assert "debug" not in names
    with override(contract=True):
        assert dict(cache_key_fields())["contract"] is True
    assert cache_key_fields(Config(debug=3)) == cache_key_fields(Config())


def test_import_takes_no_library_with_it():
    heavy = ["numpy", "rich", "click", "safetensors", "torch", "sklearn", "ml_dtypes", "hypothesis"]
    code = f"import baregrad, sys; print(*[name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
