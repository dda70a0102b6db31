"""SMTP: the message arrives whole, and every way to fail is sorted into never, again and unclear."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.messages import (
    CannotLookUp,
    SendRefused,
    SendUnavailable,
    SendUnclear,
    SmtpSender,
    SmtpSettings,
)
from tests.fixtures.network import find_free_port
from tests.messages.sample import ENVELOPE, KEY, MESSAGE_ID, MIME, RECIPIENT, SENDER

# aiosmtpd 1.4.6 is the newest there is, and warns of its own old ways.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd"),
    # It does not see that a connection is encrypted from the first byte.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning:aiosmtpd"),
]


@dataclass
class Mailbox:
    """A mail server's handler that keeps what it got and refuses whom it is told to."""

    replies: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address not in self.replies:
            envelope.rcpt_tos.append(address)
        return self.replies.get(address, "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return self.replies.get("DATA", "250 2.0.0 accepted as 42")


@contextmanager
def server(handler: Mailbox, **options: Any) -> Iterator[int]:
    """A mail server on a free port."""
    controller = Controller(handler, hostname="127.0.0.1", port=find_free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def sender(port: int, **options: Any) -> SmtpSender:
    """A sender to that port, in plain text unless told otherwise."""
    options = {"security": "none", "timeout_seconds": 5, **options}
    return SmtpSender(SmtpSettings(host="127.0.0.1", port=port, **options))


@contextmanager
def scripted(*replies: bytes | None) -> Iterator[int]:
    """A server that answers each command with the next reply; None hangs up, and after the last it stays silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            in_message = False
            for reply in replies:
                if reply is None:
                    return
                connection.sendall(reply)
                while (line := lines.readline()) and in_message and line != b".\r\n":
                    pass
                in_message = reply.startswith(b"354") or line.upper().startswith(b"DATA")
            done.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        thread.join(5)
        listener.close()


UP_TO_DATA = (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n")


def test_a_message_arrives_whole() -> None:
    """Envelope and message reach the server unchanged, and the receipt holds the Message-ID."""
    box = Mailbox()
    with server(box) as port:
        receipt = sender(port).send(MIME, **ENVELOPE)
    assert box.got == [(SENDER, [RECIPIENT], MIME)]
    assert receipt.provider_id == MESSAGE_ID


def test_lines_that_begin_with_a_dot_arrive() -> None:
    """A dot at the beginning of a line neither ends the message nor gets lost."""
    box = Mailbox()
    mime = MIME + b".\r\n..two\r\n.\r\nend\r\n"
    with server(box) as port:
        sender(port).send(mime, **ENVELOPE)
    assert box.got[0][2] == mime


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({RECIPIENT: f"550 5.1.1 <{RECIPIENT}> unknown user"}, SendRefused),
        ({RECIPIENT: "450 4.2.1 mailbox busy"}, SendUnavailable),
        ({"DATA": "554 5.7.1 spam"}, SendRefused),
        ({"DATA": "451 4.3.0 try later"}, SendUnavailable),
    ],
)
def test_what_the_server_says_is_sorted(replies: dict[str, str], error: type[Exception]) -> None:
    """5xx is never again, 4xx is again; the code is told and the address is not, not even as a cause."""
    with server(Mailbox(replies)) as port, pytest.raises(error) as raised:
        sender(port).send(MIME, **ENVELOPE)
    text = str(raised.value)
    assert next(iter(replies.values())).split()[1] in text
    assert RECIPIENT not in text
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        pytest.param((*UP_TO_DATA, b"354 go\r\n"), SendUnclear, id="silent after the final dot"),
        pytest.param((*UP_TO_DATA, b"354 go\r\n", None), SendUnclear, id="hangs up after the final dot"),
        pytest.param((*UP_TO_DATA,), SendUnavailable, id="silent at DATA"),
        pytest.param((*UP_TO_DATA, None), SendUnavailable, id="hangs up at DATA"),
        pytest.param((*UP_TO_DATA[:3],), SendUnavailable, id="silent at RCPT"),
        pytest.param((*UP_TO_DATA[:2], b"550 no\r\n"), SendRefused, id="sender refused"),
        pytest.param((*UP_TO_DATA[:2], b"451 later\r\n"), SendUnavailable, id="sender not now"),
        pytest.param((*UP_TO_DATA, b"554 no valid recipients\r\n"), SendRefused, id="DATA refused"),
        pytest.param((b"421 busy\r\n",), SendUnavailable, id="busy greeting"),
        pytest.param((None,), SendUnavailable, id="hangs up at once"),
        pytest.param((), SendUnavailable, id="no greeting"),
    ],
)
def test_a_lost_answer_is_unclear_only_after_the_final_dot(
    replies: tuple[bytes | None, ...], error: type[Exception]
) -> None:
    """Before the message is handed over nothing was sent; afterwards silence means that it may have been."""
    with scripted(*replies) as port, pytest.raises(error) as raised:
        sender(port, timeout_seconds=0.4).send(MIME, **ENVELOPE)
    assert raised.type is error
    assert raised.value.__cause__ is None


def test_a_good_bye_that_fails_does_not_matter() -> None:
    """Once accepted, a message is sent, even if the server hangs up instead of saying good-bye."""
    with scripted(*UP_TO_DATA, b"354 go\r\n", b"250 taken\r\n", None) as port:
        assert sender(port, timeout_seconds=1).send(MIME, **ENVELOPE).provider_id == MESSAGE_ID


def test_nobody_listening_is_not_sent(free_port: int) -> None:
    """A refused connection is "try again", and the check names the address."""
    port = free_port
    with pytest.raises(SendUnavailable, match="ConnectionRefusedError"):
        sender(port).send(MIME, **ENVELOPE)
    with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{port}"):
        sender(port).check()


def test_it_is_never_sent_in_plain_text_when_encryption_is_asked_for() -> None:
    """A server that offers no STARTTLS gets nothing."""
    box = Mailbox()
    with server(box) as port:
        with pytest.raises(SendUnavailable, match="SMTPNotSupportedError"):
            sender(port, security="starttls").send(MIME, **ENVELOPE)
        with pytest.raises(ConfigurationError, match=r"cannot do what mail\.smtp asks"):
            sender(port, security="starttls").check()
    assert box.got == []


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody trusts yet, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encryption_needs_a_certificate_that_is_trusted(
    security: str, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an unknown certificate nothing is sent; with a trusted one the message arrives, after a login."""
    public, context = certificate
    box = Mailbox()
    seen: list[bytes] = []

    def authenticate(
        _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        seen.append(data.password)
        return AuthResult(success=data.password == b"right", handled=False)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True}
    if security == "tls":
        options |= {"ssl_context": context, "auth_require_tls": False}
    else:
        options |= {"tls_context": context}
    with server(box, **options) as port:
        login = {"security": security, "username": "u"}
        with pytest.raises(SendUnavailable, match="SSLCertVerificationError"):
            sender(port, **login, password=SecretStr("right")).send(MIME, **ENVELOPE)
        assert seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        with pytest.raises(SendUnavailable, match="535"):
            sender(port, **login, password=SecretStr("wrong")).send(MIME, **ENVELOPE)
        with pytest.raises(ConfigurationError, match="user name and password"):
            sender(port, **login, password=SecretStr("wrong")).check()
        assert box.got == []
        sender(port, **login, password=SecretStr("right")).check()
        sender(port, **login, password=SecretStr("right")).send(MIME, **ENVELOPE)
    assert len(box.got) == 1


def test_smtp_has_no_memory() -> None:
    """Whether a message was sent cannot be looked up."""
    with pytest.raises(CannotLookUp):
        sender(25).find(KEY)


def test_copies_arrive_and_a_refused_one_keeps_nobody_from_the_message() -> None:
    """Everybody whom the server takes gets it; the receipt is the message's own."""
    box = Mailbox(replies={"gone@example.org": "550 5.1.1 no such user"})
    with server(box) as port:
        receipt = sender(port).send(MIME, **ENVELOPE, copies=("gone@example.org", "books@example.org"))
    assert box.got == [(SENDER, [RECIPIENT, "books@example.org"], MIME)]
    assert receipt.provider_id == MESSAGE_ID
