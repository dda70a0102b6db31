"""What Recoup decides and why: pure functions and frozen models, no I/O and no framework.

The one decision function is :func:`recoup.rules.steps.next_step`; everything else here describes what it looks at.
"""
