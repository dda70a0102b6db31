"""The rest of the company: what happens in a case is told to webhooks, HubSpot, Salesforce and Slack.

The ledger's events are the feed. :mod:`recoup.integrations.published` says which of them are public and what they look
like outside; each destination has a thin adapter over HTTP; :mod:`activities.integrations` delivers. Nothing of this
touches a case: ``docs/integrations.md`` has the promises.
"""
