"""An evidence bundle: one case as a deterministic zip that stock tools and one readable file check, without Watchword.

What stands in it is exact bytes; `ledger.verifier` is both the reader here and the file that goes along.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import msgspec

from watchword.core.errors import Corrupt, Invalid
from watchword.ledger import verifier
from watchword.ledger.proof import Proof

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file: two exports of the same evidence are the same bytes."""

_REMEDY = "Do not rely on it: ask for the bundle again, and keep this file as it is."


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: its exact *raw* bytes, the *proof* of its place, and what is disclosed of it (RFC 9901 strings)."""

    raw: bytes
    proof: Proof
    disclosed: tuple[str, ...] = ()


class SignedYes(msgspec.Struct, frozen=True, kw_only=True):
    """A signed approval, the entry *seq*: the *request*, its SSH signature in *armour*, whose, when.

    *assertion* is the passkey's, as JSON; None where it was signed outside any browser.
    """

    seq: int
    principal: str
    at: datetime
    request: str
    assertion: bytes | None
    armour: str
    namespace: str


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp *token* of *authority* over the checkpoint *note*, with the PEM *roots* it is trusted through."""

    authority: str
    note: str
    token: bytes
    roots: bytes


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into the zip; *note* is the checkpoint all proofs lead to, *policy* the C2SP policy of who signs it."""

    case: str
    origin: str
    note: str
    policy: str
    pieces: tuple[Piece, ...]
    approvals: tuple[SignedYes, ...]
    signers: tuple[str, ...]
    procedures: tuple[tuple[str, str], ...]
    stamps: tuple[Stamp, ...]

    def zip(self) -> bytes:
        """Return the archive, the same bytes every time: sorted names, one time, nothing compressed."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, data in sorted(self._files().items()):
                info = zipfile.ZipInfo(name, _EPOCH)
                info.create_system, info.external_attr = 3, 0o644 << 16
                archive.writestr(info, data)
        return target.getvalue()

    def _files(self) -> dict[str, bytes]:
        files = {
            "VERIFY.md": self._guide().encode(),
            "verify.py": Path(verifier.__file__).read_bytes(),
            "checkpoint": self.note.encode(),
            "policy.tlog": self.policy.encode(),
            "allowed_signers": "".join(self.signers).encode(),
        }
        for piece in self.pieces:
            name = f"{piece.proof.index:06}"
            files[f"entries/{name}.json"] = piece.raw
            files[f"entries/{name}.tlog-proof"] = piece.proof.text().encode()
            if piece.disclosed:
                files[f"disclosures/{name}.json"] = msgspec.json.encode(piece.disclosed)
        for yes in self.approvals:
            name = f"approvals/{yes.seq:06}"
            files[f"{name}.request.json"] = yes.request.encode()
            files[f"{name}.sig"] = yes.armour.encode()
            if yes.assertion is not None:
                files[f"{name}.webauthn.json"] = yes.assertion
        files.update((f"policy/{name}", text.encode()) for name, text in self.procedures)
        for stamp in self.stamps:
            name = f"stamps/{stamp.authority}"
            files |= {f"{name}.checkpoint": stamp.note.encode(), f"{name}.tsr": stamp.token, f"{name}.pem": stamp.roots}
        return files

    def _guide(self) -> str:
        approvals = "".join(
            f"ssh-keygen -Y verify -f allowed_signers -I {yes.principal} -n {yes.namespace} \\\n"
            f"  -s approvals/{yes.seq:06}.sig -Overify-time={yes.at:%Y%m%d%H%M%S}Z \\\n"
            f"  < approvals/{yes.seq:06}.request.json\n"
            for yes in self.approvals
        )
        stamps = "".join(
            f"openssl ts -verify -data stamps/{s.authority}.checkpoint -in stamps/{s.authority}.tsr \\\n"
            f"  -CAfile stamps/{s.authority}.pem\n"
            for s in self.stamps
        )
        first = self.pieces[0].proof.index
        parts = [_HEAD.format(case=self.case, origin=self.origin, first=f"{first:06}")]
        parts.append(_APPROVALS.format(commands=approvals) if approvals else _NO_APPROVALS)
        parts.append(_STAMPS.format(commands=stamps) if stamps else _NO_STAMPS)
        return "\n".join((*parts, _TAIL))


def check(data: bytes, key: str | None = None) -> tuple[verifier.Check, ...]:
    """Return what the bundle *data* proves, check by check; raise `Corrupt` at the first that does not hold.

    *key* is the ledger's verifier key known from elsewhere. `Invalid` for what is larger than any bundle.
    """
    if len(data) > verifier.WHOLE:
        raise Invalid(f"{len(data)} bytes are more than any bundle has.", "Name the right file.", "FILE")
    try:
        return verifier.verify(data, key)
    except verifier.NotProved as error:
        raise Corrupt(f"The bundle does not hold: {error.where}: {error.what}.", _REMEDY) from error


_HEAD = """\
# How to check this evidence without Watchword

It is about the case `{case}` in the ledger `{origin}`. Nothing here has to be believed: unpack the archive into an
empty folder and run, in that folder, what follows. Every tool is a stock one.

First compare the keys in `policy.tlog` (the ledger's, and its witnesses') with those their operators publish. With
other keys, everything below could be made up.

## The entries stand in the ledger

`entries/*.json` are the exact bytes of entries, each with a proof beside it (c2sp.org/tlog-proof) that leads to
`checkpoint`. Any verifier of that format reads them with `policy.tlog`, which says whose signatures are needed. The
leaf hash of an entry is SHA-256 over a zero byte and its bytes:

```sh
(printf '\\0'; cat entries/{first}.json) | openssl dgst -sha256
```
"""

_APPROVALS = """\
## The approvers signed exactly what was asked

`approvals/*.request.json` are the bytes that were approved: account, change, evidence, policy, until when. The
approver's passkey signed them, in the form of an SSH signature. `allowed_signers` says whose key it is, and from when
until when it counted; the entries that enrolled it are here as well.

```sh
{commands}```

`ssh-keygen` does not look at what the browser says of itself: that a PIN or biometric was used, and on which page.
`verify.py` does, from `approvals/*.webauthn.json`.
"""

_NO_APPROVALS = """\
## Approvals

No approval in this case is signed: each stands as an entry, under the checkpoint, as the desk recorded it.
"""

_STAMPS = """\
## The checkpoint was there by then

`stamps/*.tsr` are RFC 3161 tokens over checkpoints that cover this case. The roots beside them are the ones that the
ledger's operator trusts; take the authority's own instead.

```sh
{commands}```
"""

_NO_STAMPS = """\
## Time

No time-stamp covers this case. The times in it are those of the ledger's own clock; cosignatures, where there are any,
say when each witness saw the checkpoint.
"""

_TAIL = """\
## All of it at once

`verify.py` is one file of under 400 lines that needs Python 3.11 and the package `cryptography`. Read it, then run it:

```sh
python3 verify.py BUNDLE.zip
```

## What it does not prove

- That nothing followed: the bundle ends where the checkpoint does.
- That the ledger's operator did not keep a second history, unless witnesses you trust cosigned the checkpoint.
- What is not disclosed: personal data stand outside the entries, which commit to them. `disclosures/` opens those that
  whoever exported this may see; each string hashes (SHA-256) to a commitment in the `sd` of its entry.
"""
