"""Debian's packages, downloaded with a private apt and unpacked: no root, nothing installed.

apt checks Debian's signatures as always; only its lists and its cache are ours. Standard library
only: it runs before anything is installed.
"""

from __future__ import annotations

import getpass
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.places import CONSUL, DEBIAN, PROGRAMS
from deploy.refusal import Refusal
from deploy.steps import run

# The broker, the antivirus and those libraries of theirs that a small Debian may lack. What is
# already in any system with apt (libc, zlib, OpenSSL, gnutls…) is not listed.
PACKAGES = (
    "rabbitmq-server", "erlang-base", "erlang-asn1", "erlang-crypto", "erlang-public-key",
    "erlang-mnesia", "erlang-runtime-tools", "erlang-ssl", "erlang-eldap", "erlang-inets",
    "erlang-os-mon", "erlang-parsetools", "erlang-syntax-tools", "erlang-tools", "erlang-xmerl",
    "libsctp1", "libncurses6", "libtinfo6",
    "clamav-daemon", "clamav-freshclam", "libclamav12", "libmspack0", "libjson-c5", "libxml2",
    "libicu72", "libcurl4", "libnghttp2-14", "libssh2-1", "librtmp1", "libpsl5", "libldap-2.5-0",
    "libsasl2-2", "libbrotli1", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3",
    "libkrb5support0", "libkeyutils1", "libpcre2-8-0",
)  # fmt: skip
# espeak-ng, which says security codes, with the libraries that it is linked to; apart from the
# others, so that a change here leaves a running broker's files alone.
VOICE_PACKAGES = (
    "espeak-ng", "libespeak-ng1", "espeak-ng-data", "libpcaudio0", "libsonic0", "libasound2",
    "libpulse0", "libasyncns0", "libdbus-1-3", "libsndfile1", "libx11-6", "libx11-xcb1", "libxcb1",
    "libxau6", "libxdmcp6", "libbsd0", "libmd0", "libapparmor1", "libflac12", "libmp3lame0",
    "libmpg123-0", "libogg0", "libopus0", "libvorbis0a", "libvorbisenc2",
)  # fmt: skip
# Apache with mod_auth_openidc, a client of the OpenID provider that the tests log in with.
WEB_PACKAGES = (
    "apache2-bin", "libapache2-mod-auth-openidc", "libapr1", "libaprutil1", "libcjose0",
    "libhiredis0.14", "libjansson4", "liblua5.3-0", "libpcre2-8-0", "libcurl4", "libnghttp2-14",
    "libssh2-1", "librtmp1", "libpsl5", "libldap-2.5-0", "libsasl2-2", "libbrotli1",
    "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0", "libkeyutils1", "libxml2",
    "libicu72", "libexpat1", "libuuid1",
)  # fmt: skip
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCES = f"""\
deb [signed-by={_KEYRING}] http://deb.debian.org/debian bookworm main
deb [signed-by={_KEYRING}] http://deb.debian.org/debian bookworm-updates main
deb [signed-by={_KEYRING}] http://deb.debian.org/debian-security bookworm-security main
"""
# Debian 12 has no Consul; Debian 11's last build, by content, wherever it is found.
_CONSUL_FILES = {
    "x86_64": ("amd64", "e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9"),
    "aarch64": ("arm64", "7318cfa77a7ba6f71dd096e44353279de246ffc6561216ace42353685dcf8255"),
}
_CONSUL_PLACES = (
    "http://deb.debian.org/debian",
    "http://archive.debian.org/debian",
    "http://snapshot.debian.org/archive/debian/20240601T000000Z",
)
_STATE = PROGRAMS / "apt"


def unpack_packages(log: Path, packages: Sequence[str] = PACKAGES, target: Path = DEBIAN) -> None:
    """Download packages of bookworm and unpack them afresh into ``target``."""
    title = "Paquets Debian · Debian packages"
    archives = _STATE / "cache" / "archives"
    shutil.rmtree(archives, ignore_errors=True)
    for folder in (_STATE / "lists" / "partial", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    (_STATE / "status").touch()
    (_STATE / "sources.list").write_text(_SOURCES)
    try:
        _apt(title, log, ("update",), ours=True)
        _apt(title, log, ("download", *packages), ours=True)
    except Refusal:
        # A machine behind a mirror of its own reaches that one only.
        _apt(title, log, ("update",), ours=False)
        _apt(title, log, ("download", *packages), ours=False)
    fresh = target.with_name(f".{target.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for package in sorted(archives.glob("*.deb")):
        run(title, ("dpkg-deb", "-x", package, fresh), log)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    shutil.rmtree(archives, ignore_errors=True)


def unpack_consul(log: Path) -> None:
    """Download Consul's package, pinned by SHA-256, and unpack it."""
    title = "Consul"
    if platform.machine() not in _CONSUL_FILES:
        raise Refusal(
            f"Processeur {platform.machine()} non pris en charge : x86_64 ou aarch64 attendu.",
            f"Processor {platform.machine()} is not supported: x86_64 or aarch64 expected.",
        )
    architecture, digest = _CONSUL_FILES[platform.machine()]
    path = f"pool/main/c/consul/consul_1.8.7%2bdfsg1-2%2bb3_{architecture}.deb"
    package = PROGRAMS / "consul.deb"
    helper = ("/usr/lib/apt/apt-helper", "-o", f"APT::Sandbox::User={getpass.getuser()}")
    for number, place in enumerate(_CONSUL_PLACES):
        try:
            # apt's own downloader: the machine's proxy settings hold, and it checks the digest.
            run(
                title,
                (*helper, "download-file", f"{place}/{path}", package, f"SHA256:{digest}"),
                log,
            )
            break
        except Refusal:
            if number == len(_CONSUL_PLACES) - 1:
                raise
    shutil.rmtree(CONSUL, ignore_errors=True)
    run(title, ("dpkg-deb", "-x", package, CONSUL), log)
    package.unlink()


def _apt(title: str, log: Path, arguments: Sequence[str], *, ours: bool) -> None:
    sources = (
        ("-o", f"Dir::Etc::sourcelist={_STATE / 'sources.list'}", "-o", "Dir::Etc::sourceparts=-")
        if ours
        else ()
    )
    options = (
        # The sandbox user could not write into a folder that only we can open.
        f"APT::Sandbox::User={getpass.getuser()}",
        f"Dir::State={_STATE}",
        f"Dir::State::Lists={_STATE / 'lists'}",
        f"Dir::State::status={_STATE / 'status'}",
        f"Dir::Cache={_STATE / 'cache'}",
        "Dir::Cache::pkgcache=",
        "Dir::Cache::srcpkgcache=",
        "Acquire::Languages=none",
        "Acquire::Retries=3",
        # Hooks of the machine (cleaning its cache, its desktop's lists) are none of our business.
        "APT::Update::Post-Invoke=",
        "APT::Update::Error-Mode=any",
    )
    flags = tuple(part for option in options for part in ("-o", option))
    script = 'cd "$0" && exec "$@"'
    run(
        title,
        ("sh", "-c", script, _STATE / "cache/archives", "apt-get", "-q", *flags, *sources,
         *arguments),
        log,
        {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
