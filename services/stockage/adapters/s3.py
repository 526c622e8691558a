"""S3-compatible back end, by boto3: one object per document, visible only when it is complete.

A small object is one PUT. A larger one is a multipart upload whose parts leave as they fill, so
that memory is constant; the server shows the object at its completion, never before. Every call
has its own limits of time and few tries: a server that hangs or answers 500 is one fact,
`EntrepotIndisponible`, and leaves at most an unfinished upload, which `lister` shows to `balayer`.
"""

import contextlib
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config as Reglages
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from services.stockage.adapters.entrepot import PROVISOIRE
from services.stockage.domain import Zone
from services.stockage.use_cases.ports import EntrepotIndisponible, EspacePlein

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# At least 5 MiB by the protocol; 10,000 parts of this size are 80 GB.
PARTIE = 8 * 1024 * 1024
# The longest wait for a connection. `ESSAIS` counts the first try too: the person who waits for a
# document is answered before the deadline of the page.
CONNEXION_S = 3.0
ESSAIS = 2
_LECTURE = 1024 * 1024
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_PLEIN = frozenset({"InsufficientStorage", "XMinioStorageFull", "QuotaExceeded", "507"})
_JONCTION = "~"


class EntrepotS3:
    """`Entrepot` over one bucket."""

    def __init__(
        self, *, url: str, seau: str, cle: str, secret: str, region: str, silence_s: float
    ) -> None:
        self._seau = seau
        self._s3: S3Client = boto3.client(
            "s3",
            endpoint_url=url or None,
            aws_access_key_id=cle,
            aws_secret_access_key=secret,
            region_name=region,
            config=Reglages(
                connect_timeout=CONNEXION_S,
                read_timeout=silence_s,
                retries={"total_max_attempts": ESSAIS, "mode": "standard"},
                # A bucket as a host name needs a DNS that a city's own server may not have.
                s3={"addressing_style": "path"},
                max_pool_connections=32,
                # Every object carries its own authentication tags; older servers know no others.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def accessible(self) -> bool:
        """Always: a server that is away is told call by call, and lists are still served."""
        return True

    def creer(self, zone: Zone, nom: str) -> "EcritureS3":
        """Begin an object; nothing is asked of the server before a part is full."""
        return EcritureS3(self._s3, self._seau, _cle(zone, nom))

    def ouvrir(self, zone: Zone, nom: str) -> "ObjetS3":
        """Open an object. Raises: FileNotFoundError."""
        return ObjetS3(self._s3, self._seau, _cle(zone, nom))

    def affermir(self, zone: Zone, nom: str) -> None:
        """Nothing to do: the server answered after it had the object."""

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object, or give up an unfinished upload."""
        propre, marque, envoi = nom.partition(PROVISOIRE + _JONCTION)
        with contextlib.suppress(FileNotFoundError), _faits():
            if marque:
                self._s3.abort_multipart_upload(
                    Bucket=self._seau, Key=_cle(zone, propre), UploadId=envoi
                )
            else:
                self._s3.delete_object(Bucket=self._seau, Key=_cle(zone, nom))

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Every object, then every unfinished upload: its name and its last write (epoch s)."""
        prefixe = f"{zone.value}/"
        # Some servers say "no such key" of an area that holds nothing.
        with contextlib.suppress(FileNotFoundError), _faits():
            for page in self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._seau, Prefix=prefixe
            ):
                for objet in page.get("Contents", []):
                    yield _nom(objet["Key"]), objet["LastModified"].timestamp()
            for envois in self._s3.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._seau, Prefix=prefixe
            ):
                for envoi in envois.get("Uploads", []):
                    nom = f"{_nom(envoi['Key'])}{PROVISOIRE}{_JONCTION}{envoi['UploadId']}"
                    yield nom, envoi["Initiated"].timestamp()

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes as the server gives them."""
        sha256 = hashlib.sha256()
        try:
            with contextlib.closing(self.ouvrir(zone, nom)) as objet:
                while donnees := objet.read(_LECTURE):
                    sha256.update(donnees)
        except FileNotFoundError:
            return None
        return sha256.digest()


class EcritureS3:
    """`Ecriture` of one object."""

    def __init__(self, s3: "S3Client", seau: str, cle: str) -> None:
        self._s3 = s3
        self._ou: dict[str, Any] = {"Bucket": seau, "Key": cle}
        self._attente = bytearray()
        self._envoi = ""
        self._parties: list[dict[str, Any]] = []
        self._finie = False

    def write(self, data: bytes, /) -> int:
        """Append bytes; a full part leaves at once."""
        self._attente += data
        if len(self._attente) >= PARTIE:
            self._agir(self._envoyer)
        return len(data)

    def valider(self, *, durable: bool) -> None:  # noqa: ARG002 - the server answers when it has it
        """Complete the object: it is visible from now on."""
        self._agir(self._completer)
        self._finie = True

    def _agir(self, acte: Callable[[], None]) -> None:
        try:
            with _faits():
                acte()
        except EntrepotIndisponible as fait:
            # A server that is silent would be silent for the abandon too: `balayer` does it later.
            self._finie = isinstance(fait.__cause__, BotoCoreError | HTTPError)
            raise

    def _completer(self) -> None:
        if not self._envoi:
            self._s3.put_object(**self._ou, Body=bytes(self._attente))
            return
        if self._attente:
            self._envoyer()
        self._s3.complete_multipart_upload(
            **self._ou,
            UploadId=self._envoi,
            MultipartUpload={"Parts": self._parties},  # type: ignore[typeddict-item]
        )

    def _envoyer(self) -> None:
        if not self._envoi:
            self._envoi = self._s3.create_multipart_upload(**self._ou)["UploadId"]
        numero = len(self._parties) + 1
        corps, self._attente = self._attente, bytearray()
        reponse = self._s3.upload_part(
            **self._ou, UploadId=self._envoi, PartNumber=numero, Body=io.BytesIO(corps)
        )
        self._parties.append({"PartNumber": numero, "ETag": reponse["ETag"]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._finie or not self._envoi:
            return
        with contextlib.suppress(ClientError, BotoCoreError, HTTPError, OSError):
            self._s3.abort_multipart_upload(**self._ou, UploadId=self._envoi)


class ObjetS3:
    """An object read by ranges: one answer is read on as long as nobody moves elsewhere."""

    def __init__(self, s3: "S3Client", seau: str, cle: str) -> None:
        self._s3 = s3
        self._ou: dict[str, Any] = {"Bucket": seau, "Key": cle}
        self._position = 0
        self._flux: Any = None
        self._flux_a = 0
        self._copie: IO[bytes] | None = None
        with _faits():
            tete = s3.head_object(**self._ou)
        self._taille = tete["ContentLength"]
        # Names are never used twice; an object that changed in between is another one all the same.
        self._etag = tete.get("ETag", "")

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move."""
        depart = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._taille}
        self._position = max(depart[whence] + offset, 0)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Read so many bytes from here; an answer that was cut is asked for once more."""
        reste = max(self._taille - self._position, 0)
        voulus = reste if size < 0 else min(size, reste)
        lus = bytearray()
        for essai in range(ESSAIS):
            try:
                while len(lus) < voulus:
                    lus += self._suite(voulus - len(lus))
                break
            except FileNotFoundError:
                raise
            except (HTTPError, BotoCoreError, OSError) as erreur:
                self._fermer_flux()
                if essai + 1 == ESSAIS:
                    raise EntrepotIndisponible(cause=type(erreur).__name__) from erreur
        return bytes(lus)

    def _suite(self, octets: int) -> bytes:
        """Read on in the answer at this place. Raises: ConnectionError when it ended before."""
        if self._flux is None or self._flux_a != self._position:
            self._fermer_flux()
            with _faits():
                reponse = self._s3.get_object(
                    **self._ou, Range=f"bytes={self._position}-", IfMatch=self._etag
                )
            self._flux = reponse["Body"]
        donnees: bytes = self._flux.read(octets)
        if not donnees:
            raise ConnectionError
        self._position += len(donnees)
        self._flux_a = self._position
        return donnees

    def descripteur(self) -> int:
        """A copy of the encrypted object without a name, for a process that has no network."""
        if self._copie is None:
            self._copie = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
            try:
                self.seek(0)
                shutil.copyfileobj(self, self._copie, _LECTURE)
                self._copie.flush()
            except OSError as erreur:
                raise EspacePlein from erreur
        self._copie.seek(0)
        return self._copie.fileno()

    def close(self) -> None:
        """Let the answer and the copy go."""
        self._fermer_flux()
        if self._copie is not None:
            self._copie.close()
            self._copie = None

    def _fermer_flux(self) -> None:
        if self._flux is not None:
            # Closed, not read to its end: the connection is not used again.
            self._flux.close()
            self._flux = None


@contextlib.contextmanager
def _faits() -> Iterator[None]:
    """Turn what boto3 says into a fact. Raises: FileNotFoundError for an object that is missing."""
    try:
        yield
    except ClientError as erreur:
        code = str(erreur.response.get("Error", {}).get("Code", ""))
        if code in _ABSENT or code == "NoSuchUpload":
            raise FileNotFoundError from erreur
        if code in _PLEIN:
            raise EspacePlein from erreur
        raise EntrepotIndisponible(cause=code) from erreur
    except (BotoCoreError, HTTPError) as erreur:
        raise EntrepotIndisponible(cause=type(erreur).__name__) from erreur


def _cle(zone: Zone, nom: str) -> str:
    return f"{zone.value}/{nom[:2]}/{nom}"


def _nom(cle: str) -> str:
    return cle.rpartition("/")[2]
