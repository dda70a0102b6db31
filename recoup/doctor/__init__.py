"""``recoup doctor``: looks at the settings and at everything that Recoup depends on, and says what to mend.

No message is sent, nothing is made at Stripe or in Temporal, no table is touched.
"""

from recoup.doctor._examining import examine
from recoup.doctor._findings import Finding, Grade
from recoup.doctor._showing import show

__all__ = ["Finding", "Grade", "examine", "show"]
