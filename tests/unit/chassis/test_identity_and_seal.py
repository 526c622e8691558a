import base64
import json
import time

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.identity import AUDIENCE, Caller, InvalidToken, TokenMinter, TokenVerifier
from chassis.seal import SealBroken, seal, unseal
from tests.kit.identity import MINTER, PRIVATE_KEY, PUBLIC_KEY, VERIFIER

pytestmark = pytest.mark.unit

KEY = bytes(range(32))


def test_a_token_says_who_asks():
    token = MINTER.mint(
        subject="c1", roles=("citoyen", "agent_cartes"), session="s", acting_for="e", purpose="p"
    )
    assert VERIFIER.verify(token) == Caller(
        subject="c1",
        roles=frozenset({"citoyen", "agent_cartes"}),
        acting_for="e",
        purpose="p",
        token=token,
        session="s",
    )


def claims(**changes) -> dict[str, object]:
    now = int(time.time())
    fields = {
        "iss": "passerelle", "aud": AUDIENCE, "iat": now, "exp": now + 60, "sub": "c",
        "roles": ["citoyen"], "sid": "", "act": "", "purpose": "",
    }  # fmt: skip
    merged = {**fields, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def signed(**changes) -> str:
    return jwt.encode(claims(**changes), PRIVATE_KEY, algorithm="EdDSA")


@pytest.mark.parametrize(
    "token",
    [
        signed(exp=int(time.time()) - 10),
        signed(iat=int(time.time()) + 60),
        signed(iss="autre"),
        signed(aud="autre"),
        signed(aud=None),
        signed(exp=None),
        signed(sub=None),
        signed(roles=None),
        signed(sid=None),
        signed(roles=7),
        jwt.encode(claims(), "", algorithm="none"),
        jwt.encode(claims(), "une clé symétrique de trente-deux octets", algorithm="HS256"),
        # The public key taken for a symmetric one: the oldest trick.
        ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (b'{"alg":"HS256"}', json.dumps(claims()).encode(), PUBLIC_KEY)
        ),
        "",
        "é",
        "a.b.c",
    ],
)
def test_only_a_whole_current_token_of_ours_is_accepted(token):
    verifier = TokenVerifier(PUBLIC_KEY)
    for _ in range(2):
        with pytest.raises(InvalidToken):
            verifier.verify(token)
    assert verifier._seen == {}


def test_a_verified_token_is_remembered_until_it_expires(monkeypatch):
    verifier = TokenVerifier(PUBLIC_KEY)
    token = MINTER.mint(subject="c", roles=())
    first = verifier.verify(token)
    assert verifier.verify(token) is first
    later = time.time() + 3600 + 10
    monkeypatch.setattr("chassis.identity.time.time", lambda: later)
    monkeypatch.setattr(verifier, "_decode", _refuse)
    with pytest.raises(InvalidToken):
        verifier.verify(token)


def _refuse(_token: str):
    raise InvalidToken


def test_the_memory_of_tokens_is_bounded(monkeypatch):
    monkeypatch.setattr("chassis.identity._CACHE_SIZE", 10)
    verifier = TokenVerifier(PUBLIC_KEY)
    for number in range(50):
        verifier.verify(MINTER.mint(subject=str(number), roles=()))
        assert len(verifier._seen) <= 10


def test_expired_tokens_leave_the_memory_first(monkeypatch):
    monkeypatch.setattr("chassis.identity._CACHE_SIZE", 4)
    verifier = TokenVerifier(PUBLIC_KEY)
    old = TokenMinter(PRIVATE_KEY, lifetime_s=-1)
    for number in range(3):
        verifier.verify(old.mint(subject=str(number), roles=()))
    kept = MINTER.mint(subject="kept", roles=())
    verifier.verify(kept)
    new = MINTER.mint(subject="neuf", roles=())
    later = time.time() + 30
    monkeypatch.setattr("chassis.identity._LEEWAY_S", 60)  # PyJWT reads the true clock
    monkeypatch.setattr("chassis.identity.time.time", lambda: later)
    verifier.verify(new)
    assert set(verifier._seen) >= {kept}
    assert len(verifier._seen) == 2


@given(st.dictionaries(st.text(), st.text(), max_size=4), st.text(max_size=20))
def test_what_is_sealed_opens_with_its_key_and_context(plain, context):
    assert unseal(seal(plain, key=KEY, context=context), key=KEY, context=context) == plain


def test_two_seals_of_the_same_text_differ():
    plain = {"courriel": "a@exemple.org"}
    assert seal(plain, key=KEY, context="A") != seal(plain, key=KEY, context="A")


@pytest.mark.parametrize("position", [0, 1, 12, 13, -1])
def test_one_changed_byte_breaks_the_seal(position):
    sealed = bytearray(seal({"a": "b"}, key=KEY, context="A"))
    sealed[position] ^= 1
    with pytest.raises(SealBroken):
        unseal(bytes(sealed), key=KEY, context="A")


@pytest.mark.parametrize(
    ("sealed", "key", "context"),
    [
        (seal({"a": "b"}, key=KEY, context="A"), KEY[::-1], "A"),
        (seal({"a": "b"}, key=KEY, context="A"), KEY, "B"),
        (seal({"a": "b"}, key=KEY, context="A")[:-1], KEY, "A"),
        (b"", KEY, "A"),
        (b"\x01", KEY, "A"),
        (b"\x01" + bytes(12), KEY, "A"),
    ],
    # A seal differs each time; workers must collect the same names.
    ids=["another key", "another context", "cut", "empty", "version alone", "no ciphertext"],
)
def test_another_key_context_or_length_breaks_the_seal(sealed, key, context):
    with pytest.raises(SealBroken):
        unseal(sealed, key=key, context=context)
