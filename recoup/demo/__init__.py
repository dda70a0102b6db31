"""The demo: the whole stack on this machine, customers who act, and one driver that owns virtual time.

:class:`~recoup.demo.stack.Stack` starts, stops and kills the processes; :class:`~recoup.demo.driver.Driver` moves time;
:class:`~recoup.demo.people.People` are the customers. Tests drive the same parts with their own hands on the worker.
``docs/demo.md`` tells how virtual time works.
"""
