"""Nothing that a program of ours prints, logs or writes shows a token: by rule, and by running one that fails."""

import io
import logging
import os
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from cards.redaction import HIDDEN, guarded, redacted
from tests.conftest import ROOT
from tests.hub import Fault, Hub
from tests.hub.server import TOKEN
from tests.published_build import REPO, build_to_publish

SIGNED = "https://bucket.s3.example/lfs/ab?X-Amz-Algorithm=AWS4&X-Amz-Credential=AKIA/x&X-Amz-Signature=5ec2e7&size=9"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {TOKEN}.", TOKEN),
        (f"{{'authorization': 'Bearer {TOKEN}'}}", TOKEN),
        ("authorization: bearer eyJhbGciOi.J9.x-_y, next", "eyJhbGciOi"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("hf_oauth_eyJhbGciOiJFZERTQSJ9.abc-def_g", "eyJhbGciOiJFZERTQSJ9"),
        ("hf_oauth_eyJhbGciOiJFZERTQSJ9.abc-def_g", "abc-def"),
        ("api_org_AbCdEfGhIjKlMnOpQrSt", "AbCdEfGhIjKl"),
        (SIGNED, "5ec2e7"),
        (SIGNED, "AKIA"),
        ("https://x.example/f?Expires=1&Signature=a~b__&Key-Pair-Id=KABC", "a~b__"),
        ("https://x.example/f?Expires=1&Signature=a~b__&Key-Pair-Id=KABC", "KABC"),
        ("next=https%3A%2F%2Fx.example%2Ff%3FX-Amz-Signature%3D5ec2e7", "5ec2e7"),
    ],
)
def test_secrets_go(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)
    assert HIDDEN in redacted(text)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "in hf_hub_download, line 3", "hf_xet 1.8.0", "import hf_transfer", "a bearer of news",
        "https://huggingface.co/datasets/babel/it?revision=v1&size=3", "data/train-00000-of-00001.parquet",
        "b669194d135ced3f6f312e3da7e15de49d8161d5cca617c786136b069518e7f7",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text).startswith(text[:8])
    assert (HIDDEN in redacted(text)) == text.startswith("a bearer")


@given(st.text(), st.text(), st.text(string.ascii_letters + string.digits, min_size=20, max_size=40))
def test_a_token_goes_wherever_it_is(before: str, after: str, secret: str) -> None:
    assert f"hf_{secret}" not in redacted(f"{before} hf_{secret}{after}")


@given(st.text(min_size=8, max_size=40), st.text(), st.text())
def test_a_token_of_any_form_goes_when_it_is_known(secret: str, before: str, after: str) -> None:
    assert secret not in redacted(before + secret + after, (secret,)).replace(HIDDEN, "") or secret in before + after


def test_everything_that_leaves_the_process_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    taken_before = io.StringIO()
    log = logging.getLogger("tests.redaction")
    handler = logging.StreamHandler(taken_before)
    log.addHandler(handler)
    try:
        with guarded("a secret of another form"):
            print(TOKEN, "a secret of another form")
            print(SIGNED, file=sys.stderr)
            sys.stdout.writelines([f"{TOKEN}\n"])
            log.warning("with %s and %s", TOKEN, {"authorization": f"Bearer {TOKEN}"})
            log.warning("100 %% of %s", "it")
            log.warning("arguments that do not fit: %d", TOKEN)
            try:
                raise ValueError(f"of {TOKEN}")
            except ValueError:
                log.exception("failed")
        with pytest.raises(SystemExit), guarded():
            raise RuntimeError(SIGNED)
    finally:
        log.removeHandler(handler)
    out, err = capsys.readouterr()
    logged = taken_before.getvalue()
    for text in (out, err, logged):
        assert HIDDEN in text
        assert not any(secret in text for secret in (TOKEN, "5ec2e7", "another form"))
    assert "100 % of it" in logged
    assert logged.count("Traceback") == 1
    assert "RuntimeError" in err
    print(TOKEN)
    assert TOKEN in capsys.readouterr().out


@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_a_program_that_fails_at_debug_level_shows_no_token(tmp_path: Path, xet: bool) -> None:
    build = build_to_publish(UPath(tmp_path / "out"))
    faults = [
        Fault("PUT /_lfs", 503), Fault("GET .*xet-write-token", 503), Fault("POST .*/commit/", 500),
        Fault("POST .*/commit/", 403, message=f"forbidden for {TOKEN} at {SIGNED}"),
    ]  # fmt: skip
    with Hub(tmp_path / "hub", xet_store=xet) as hub:
        hub.fails(*faults)
        loud = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "RUST_LOG": "debug", "HF_XET_LOG_LEVEL": "debug"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "publish", str(build), "--repo", REPO, "--yes", "--allow-unvalidated"],
            env=os.environ | dict(hub.environment()) | loud | {"PYTHONPATH": str(ROOT)},
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        text = (done.stdout + b"\n" + done.stderr).decode()
        assert done.returncode == 2, text
        assert f"\nerror: no right to write to {REPO} (forbidden for {HIDDEN}" in text
        assert "curl -X POST" in text
        assert xet or f"X-Amz-Signature={HIDDEN}" in text
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} | {tmp_path: text.encode()}
    for path, content in written.items():
        for secret in (TOKEN, "5ec2e7", "xet-key"):
            assert secret.encode() not in content, (path, secret)


PROGRAM = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from cards.cli import main
sys.exit(main())
"""
