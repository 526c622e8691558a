"""Debian's Apache with mod_auth_openidc in front of a page: a client that nobody here wrote."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from deploy.children import Child
from deploy.components.postgresql import as_nobody_in_a_namespace, namespaces_allowed
from deploy.places import LOOPBACK, WEB, answers, web_libraries

MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "auth_openidc")

_CONFIGURATION = """\
ServerRoot "{folder}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{folder}/apache.pid"
DefaultRuntimeDir "{folder}"
Mutex file:{folder}
ErrorLog "{folder}/erreurs.log"
LogLevel warn auth_openidc:info
{modules}
TypesConfig /dev/null
DocumentRoot "{folder}/pages"
DirectoryIndex index.html
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {secret}
OIDCRedirectURI {base}/protege/retour
OIDCCryptoPassphrase {passphrase}
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCRemoteUserClaim email
OIDCInfoHook access_token id_token userinfo refresh_token session
<Location /protege>
  AuthType openid-connect
  Require valid-user
</Location>
"""


@contextlib.contextmanager
def un_apache(
    folder: Path, port: int, *, issuer: str, client_id: str, secret: str
) -> Iterator[str]:
    """Serve a page for people who have logged in; gives the server's address."""
    base = f"http://{LOOPBACK}:{port}"
    page = folder / "pages" / "protege" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Réservé</h1>")
    place = WEB / "usr/lib/apache2/modules"
    configuration = folder / "apache.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            base=base,
            issuer=issuer,
            client_id=client_id,
            secret=secret,
            passphrase=os.urandom(16).hex(),
            modules="\n".join(
                f"LoadModule {name}_module {place}/mod_{name}.so" for name in MODULES
            ),
        )
    )
    root = os.geteuid() == 0 and namespaces_allowed()
    child = Child(
        name="apache",
        command=[WEB / "usr/sbin/apache2", "-f", configuration, "-D", "FOREGROUND"],
        log=folder / "apache.log",
        environment={"LD_LIBRARY_PATH": web_libraries()},
        before_exec=as_nobody_in_a_namespace if root else None,
    )
    child.start()
    try:
        child.wait_ready(lambda: answers(port), timeout_s=30)
        yield base
    finally:
        child.stop()
