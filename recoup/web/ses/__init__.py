"""What SES tells of mails that came back or were called spam, over SNS: let in, understood, carried out."""

from recoup.web.ses.aws import Fetch, fetch_from_aws
from recoup.web.ses.endpoint import SesIntake, ses_intake, ses_router
from recoup.web.ses.taking import Returns

__all__ = ["Fetch", "Returns", "SesIntake", "fetch_from_aws", "ses_intake", "ses_router"]
