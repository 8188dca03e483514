"""One policy: its four files, read together, under one digest."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from watchword.policy.loading import load
from watchword.policy.people import People
from watchword.policy.procedures import Procedures, digest_of, source

FILES = ("procedures.yaml", "methods.yaml", "people.cedar", "people.cedarschema")


class Policy:
    """Procedures and people of one bundle; *digest* is over the exact bytes of its *files*, in the order of `FILES`.

    *texts* are those bytes, by the name of the file.
    """

    def __init__(
        self,
        procedures: Procedures,
        people: People,
        digest: str,
        files: tuple[Path, ...],
        texts: tuple[tuple[str, str], ...],
    ) -> None:
        self.procedures = procedures
        self.people = people
        self.digest = digest
        self.files = files
        self.texts = texts

    @classmethod
    def load(cls, folder: Path) -> Policy:
        """Read the four files of *folder*; raise `Invalid` with every mistake of the first file that has any."""
        files = tuple(folder / name for name in FILES)
        texts = tuple(source(file, file.name) for file in files)
        digest = digest_of(texts)
        # Of the same bytes as the digest: who can write the folder may write it again meanwhile.
        procedures = Procedures(load(texts[0], texts[1]), digest)
        people = People.load(texts[2].text, texts[3].text, file=texts[2].file, schema_file=texts[3].file)
        named = tuple((name, each.text) for name, each in zip(FILES, texts, strict=True))
        return cls(procedures, people, digest, files, named)

    @classmethod
    def default(cls) -> Policy:
        """Return the policy that ships with Watchword; read once."""
        return _default()


class PolicyFolder:
    """Where a policy lies, to be read again whenever that is asked; None is the one that ships with Watchword."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self) -> Policy:
        """The policy as it lies there now; raise `Invalid` as `Policy.load` does."""
        return Policy.load(self.path) if self.path else Policy.default()

    def digest(self) -> str:
        """The digest of its files as they lie there now, sound or not; raise `Invalid` where one is gone."""
        if self.path is None:
            return Policy.default().digest
        return digest_of(tuple(source(self.path / name, name) for name in FILES))


@cache
def _default() -> Policy:
    with resources.as_file(resources.files("watchword.policy") / "default") as folder:
        return Policy.load(folder)
