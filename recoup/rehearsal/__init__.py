"""The rehearsal: one customer's weeks, played in moments through the real workflow and activities, and told as a timeline.

:func:`recoup.rehearsal.run.rehearse` is the command; ``docs/rehearse.md`` has the keys of a scenario file.
"""
