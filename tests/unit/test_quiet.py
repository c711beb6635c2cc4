from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from fer_edge.quiet import quiet


def test_nothing_is_printed_by_python_or_below_it(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        print("python")
        os.write(1, b"fd 1")
        os.write(2, b"fd 2")
        logging.getLogger().warning("logged")
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_log_handlers_made_inside_work_afterwards() -> None:
    """TensorFlow makes one while it is imported; pytest has standard streams of its own, hence the process."""
    script = (
        "import logging\n"
        "from fer_edge.quiet import quiet\n"
        "with quiet():\n"
        "    logging.getLogger('noisy').addHandler(logging.StreamHandler())\n"
        "logging.getLogger('noisy').error('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "heard\n")
