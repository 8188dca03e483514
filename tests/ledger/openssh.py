"""Stock tools on approvals: `ssh-keygen` and `openssl`, neither of which knows this program."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from watchword.core.approval import SignedProof
from watchword.ledger.sshsig import Signature

TOOLS = ("ssh-keygen", "openssl")
with_tools = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)) and os.environ.get("CI") != "true",
    reason="OpenSSH or OpenSSL is not installed (Debian: apt-get install openssh-client openssl)",
)


def ssh_accepts(
    folder: Path, *, signers: str, principal: str, namespace: str, armour: str, message: bytes, at: str = ""
) -> bool:
    """Whether `ssh-keygen -Y verify` takes *armour* as *principal*'s over *message*; *at* as it writes times."""
    (folder / "allowed_signers").write_text(signers)
    (folder / "approval.sig").write_text(armour)
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", principal, "-n", namespace]
    words += ["-s", "approval.sig", *((f"-Overify-time={at}",) if at else ())]
    done = subprocess.run(words, cwd=folder, input=message, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode()
    assert (done.returncode == 0) is ("Good " in said), said
    return done.returncode == 0


def openssl_accepts(folder: Path, signature: Signature, proof: SignedProof) -> bool:
    """Whether `openssl dgst` takes the stored bytes: authenticator data and the hash of the client data."""
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), signature.key.point)
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    client, data, der = (
        base64.urlsafe_b64decode(part + "==") for part in (proof.client_data, proof.authenticator_data, proof.signature)
    )
    (folder / "key.pem").write_bytes(pem)
    (folder / "der").write_bytes(der)
    words = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "der"]
    signed = data + hashlib.sha256(client).digest()
    done = subprocess.run(words, cwd=folder, input=signed, capture_output=True, check=False)
    return done.returncode == 0 and b"Verified OK" in done.stdout
