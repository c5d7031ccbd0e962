"""Runs before anything else of the one-folder program: puts right what a frozen Python gets wrong about its machine.

1. What the loader has put into the environment is taken away again. Else the user's commands (`--on-finish`, the one that
   gives the secret, git) would run with libraries of ours; and this program, started by one of them or for a process
   of `render`, would believe that all had been prepared for it already.
2. The bundled OpenSSL looks for certificates where the machine that built it keeps them. Where that is another place
   here, it is told; where there is none, the certificates that travel along are used. What the user says
   (SSL_CERT_FILE, SSL_CERT_DIR) comes first.
"""

from __future__ import annotations

import os
import ssl
import sys

_OF_SYSTEMS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",  # openSUSE
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",  # macOS, Alpine, BSD
)
_OURS = os.path.join(getattr(sys, "_MEIPASS", ""), "certifi", "cacert.pem")


def forget_the_loader() -> None:
    """As it was before the loader, whose next start then begins anew."""
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        before = os.environ.pop(f"{name}_ORIG", None)
        if before is not None:
            os.environ[name] = before
        elif getattr(sys, "frozen", False):
            os.environ.pop(name, None)


def find_certificates() -> None:
    """Name the certificates to trust, unless OpenSSL or the user knows them. Windows asks its own store."""
    if os.name == "nt" or os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return
    known = ssl.get_default_verify_paths()
    if not known.cafile and not (known.capath and os.listdir(known.capath)):
        found = next((path for path in (*_OF_SYSTEMS, _OURS) if os.path.isfile(path)), None)
        if found is not None:
            os.environ["SSL_CERT_FILE"] = found


forget_the_loader()
find_certificates()
