"""Chaos: randomised recoveries under faults at every boundary, and the comparison of all books afterwards.

:func:`recoup.chaos.play.run_chaos` is the command; ``docs/reliability.md`` tells what is done, how it is counted, and what
came of it. Nothing here is imported by the product.
"""
