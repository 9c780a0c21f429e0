"""Messages of workflow steps, to Slack."""

from __future__ import annotations

import logging

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from spine.core.errors import DependencyError

log = logging.getLogger(__name__)
SLACK_CONN_ID = "spine_slack"


class SlackMessages:
    """A spine.alerts.notify.Notifier that posts to an incoming webhook.

    Slack ties such a webhook to one channel, so the channel a workflow names is told in the log and not sent.

    :param conn_id: connection of type ``slackwebhook``; without it nobody listens, which is no error.
    """

    def __init__(self, conn_id: str = SLACK_CONN_ID) -> None:
        self.conn_id = conn_id

    def send(self, text: str, *, channel: str | None) -> bool:
        """:raises DependencyError: Slack does not take the message (retryable)."""
        try:
            BaseHook.get_connection(self.conn_id)
        except AirflowNotFoundException:
            log.info("no connection %s: the message for %s stays in this log", self.conn_id, channel or "its channel")
            return False
        from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

        try:
            SlackWebhookHook(slack_webhook_conn_id=self.conn_id).send(text=text)
        except Exception as error:  # noqa: BLE001 - the Slack client raises a dozen kinds, some with the webhook's secret URL inside
            raise DependencyError(
                f"Slack (connection {self.conn_id}) did not take the message: {type(error).__name__}"
            ) from None
        return True
