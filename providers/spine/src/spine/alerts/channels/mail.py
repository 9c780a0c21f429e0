"""Mail: text and HTML, over the SMTP server of an Airflow connection."""

from __future__ import annotations

import html
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from spine.alerts.channel import ChannelSettings, Delivered
from spine.alerts.channels.http import clipped
from spine.alerts.channels.words import colour, headline, how_often, plain_text
from spine.core.errors import ConfigurationError, DependencyError, PermissionDenied, TransientError

if TYPE_CHECKING:
    from spine.alerts.messages import Message
    from spine.pipelines.connections import ConnectionDetails, Connections

_MOST_SUBJECT = 200
_TIMEOUT = 30.0


def render(message: Message) -> tuple[str, str, str]:
    """Subject (one line), text and HTML."""
    return clipped(headline(message), _MOST_SUBJECT), plain_text(message), _html(message)


def _html(message: Message) -> str:
    rows = "".join(_row(name, value) for name, value in _fields(message).items())
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in message.lines)
    also = f'<ul style="margin:12px 0 0;padding-left:20px;color:#444">{lines}</ul>' if lines else ""
    often = f'<p style="color:#666;margin:12px 0 0">{html.escape(how_often(message))}</p>' if how_often(message) else ""
    link = (
        f'<p style="margin:16px 0 0"><a href="{html.escape(message.run_url)}" style="color:#0b5ed7">Open the run</a></p>'
        if message.run_url.startswith(("http://", "https://"))
        else ""
    )
    return (
        '<!DOCTYPE html><html><body style="margin:0;background:#f4f5f7;font-family:Segoe UI,Helvetica,Arial,sans-serif">'
        '<div style="max-width:640px;margin:24px auto;background:#fff;border:1px solid #e2e4e8;border-radius:6px">'
        f'<div style="border-top:6px solid {colour(message)};border-radius:6px 6px 0 0;padding:20px 24px 0">'
        f'<h1 style="font-size:18px;line-height:1.35;margin:0;color:#1d1f23">{html.escape(headline(message))}</h1></div>'
        '<div style="padding:12px 24px 24px;font-size:14px;line-height:1.5;color:#24292f">'
        f'<p style="margin:0;white-space:pre-wrap">{html.escape(message.body)}</p>{also}{often}'
        f'<table style="border-collapse:collapse;margin-top:16px;width:100%">{rows}</table>{link}</div></div></body></html>'
    )


def _fields(message: Message) -> dict[str, str]:
    return {**message.fields, "Environment": message.environment, "Source": message.source, "Last": message.last_at}


def _row(name: str, value: str) -> str:
    cell = "padding:6px 12px 6px 0;border-top:1px solid #eceef1;vertical-align:top"
    return (
        f'<tr><td style="{cell};color:#666;white-space:nowrap">{html.escape(name)}</td>'
        f'<td style="{cell};word-break:break-word">{html.escape(value)}</td></tr>'
    )


class EmailChannel:
    """Connection type ``smtp``, with the fields that Airflow's SMTP provider has (``disable_tls``, ``disable_ssl``,
    ``from_email``, ``timeout``). Options: ``to`` (an address or a list), ``from``.

    It speaks SMTP itself: the provider's hook sends HTML alone, and puts the login into some of its errors.
    """

    def __init__(self, settings: ChannelSettings, connections: Connections) -> None:
        self._details = connections.details(settings.conn_id or "spine_smtp")
        to = settings.option("to", [])
        self._to = [to] if isinstance(to, str) else [str(each) for each in to]
        self._from = str(settings.option("from", "") or self._details.extra.get("from_email") or self._details.login)
        if not self._to or not self._from:
            raise ConfigurationError(f"channel '{settings.name}' needs the options 'to' and 'from'")
        self._who = f"the mail server (connection {self._details.conn_id})"

    def send(self, message: Message, reference: str = "") -> Delivered:
        """:raises SpineError: see spine.alerts.channels.http; a refused address is CONFIGURATION."""
        try:
            with _connected(self._details) as server:
                refused = server.send_message(self._mail(message))
        except smtplib.SMTPAuthenticationError:
            raise PermissionDenied(f"{self._who} does not accept the login of its connection") from None
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise _refused(error, self._who) from None
        except smtplib.SMTPResponseException as error:
            kind = TransientError if 400 <= error.smtp_code < 500 else ConfigurationError
            raise kind(f"{self._who} answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise DependencyError(f"{self._who} cannot be reached: {type(error).__name__}") from None
        return Delivered(response=f"{len(self._to) - len(refused)} of {len(self._to)} recipients")

    def _mail(self, message: Message) -> EmailMessage:
        subject, text, page = render(message)
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"] = _address(self._from)
        mail["To"] = [_address(each) for each in self._to]
        mail["X-Spine-Group"] = message.dedup_key
        mail["References"] = f"<{message.dedup_key}@spine>"  # so that messages of a group are one thread
        mail.set_content(text)
        mail.add_alternative(page, subtype="html")
        return mail


def _refused(error: Any, who: str) -> Exception:
    codes = [code for code, _ in error.recipients.values()] if hasattr(error, "recipients") else [error.smtp_code]
    kind = TransientError if all(400 <= code < 500 for code in codes) else ConfigurationError
    return kind(
        f"{who} refuses an address with {', '.join(map(str, sorted(set(codes))))}; check the options 'to' and 'from'"
    )


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, TypeError):
        raise ConfigurationError(f"{text!r} is no mail address") from None


def _connected(details: ConnectionDetails) -> smtplib.SMTP:
    """Encrypted and logged in as the connection says: TLS from the start, else STARTTLS, unless both are disabled."""
    extra = details.extra
    timeout = float(extra.get("timeout") or _TIMEOUT)
    context = ssl.create_default_context()
    if authority := extra.get("ca_certificate"):
        context.load_verify_locations(str(authority))
    if not extra.get("disable_ssl", False):
        server: smtplib.SMTP = smtplib.SMTP_SSL(details.host, details.port or 465, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(details.host, details.port or 587, timeout=timeout)
        if not extra.get("disable_tls", False):
            server.starttls(context=context)
    try:
        if details.login and details.password:
            server.login(details.login, details.password)
    except BaseException:
        server.close()
        raise
    return server
