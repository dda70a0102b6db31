"""The operators' console: its accounts, its sessions and its log, which nobody may change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import NotInLedger, Store, Transaction, every, first
from recoup.ledger.console_rows import LogRow, NewLog, Role, SessionKind, SessionRow, UserRow
from recoup.ledger.console_schema import console_log, console_sessions, console_users


class Console:
    """Accounts, sessions and log; tables ``console_users``, ``console_sessions``, ``console_log``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Accounts.

    def add_user(self, name: str, role: Role, password: str, at: datetime) -> bool:
        """Make an account with this hash of its password; False where the name is taken."""
        values = {"name": name, "role": role, "password": password, "created_at": at, "password_at": at}
        return self._store.write(lambda tx: tx.insert_new(console_users, values, "name"))

    def of_provider(self, identity: str) -> UserRow | None:
        """The account of whom an identity provider knows under this identity, which begins with ``ELSEWHERE``."""
        return self._store.read(lambda conn: _of_provider(conn, identity))

    def admit(self, name: str, identity: str, role: Role, at: datetime) -> UserRow | None:
        """As :meth:`of_provider`; where there is none it is made under this name. None where the name is somebody else's."""
        values = {"name": name, "role": role, "password": identity, "created_at": at, "password_at": at}

        def work(tx: Transaction) -> UserRow | None:
            if (found := _of_provider(tx.conn, identity)) is not None:
                return found
            tx.insert_new(console_users, values, "name")
            return _of_provider(tx.conn, identity)

        # Two log-ins of one person at once must not become two accounts.
        return self._store.write(work, lock=[f"console/{identity}"])

    def set_password(self, name: str, password: str, at: datetime) -> None:
        """Another password; every session of the account ends."""
        self._change(name, {"password": password, "password_at": at}, at)

    def set_role(self, name: str, role: Role, at: datetime) -> None:
        """Another role; every session of the account ends, so that none goes on with the old one."""
        self._change(name, {"role": role}, at)

    def disable_user(self, name: str, at: datetime) -> None:
        """Nobody logs in by this name any more, and every session of it ends."""
        self._change(name, {"disabled_at": at}, at)

    def end_sessions(self, name: str, at: datetime) -> None:
        """Every session of the account ends, a program's too."""
        self._change(name, {"name": name}, at)

    def enable_user(self, name: str, at: datetime) -> None:
        """The account may log in again."""
        self._change(name, {"disabled_at": None}, at)

    def user(self, name: str) -> UserRow | None:
        """The account of this name."""
        mine = sa.select(console_users).where(console_users.c.name == name)
        found = self._store.read(lambda conn: first(conn, mine))
        return UserRow.model_validate(found) if found else None

    def users(self) -> list[UserRow]:
        """Every account, by name."""
        statement = sa.select(console_users).order_by(console_users.c.name)
        return [UserRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]

    # Sessions.

    def open_session(
        self,
        id_: str,
        user: str,
        at: datetime,
        expires_at: datetime,
        kind: SessionKind = SessionKind.BROWSER,
        label: str | None = None,
    ) -> SessionRow:
        """Begin a session; the id is the hash of its secret."""
        values = {"id": id_, "user": user, "kind": kind, "label": label}
        moments = {"created_at": at, "seen_at": at, "expires_at": expires_at}

        def work(tx: Transaction) -> SessionRow:
            tx.conn.execute(sa.insert(console_sessions).values(**values, **moments))
            return _session(tx.conn, id_)

        return self._store.write(work)

    def session(self, id_: str, at: datetime, idle: timedelta) -> tuple[SessionRow, UserRow] | None:
        """The session with its account, where both are good at this moment; a browser's ends when it has not been used for ``idle``."""

        def work(conn: sa.Connection) -> tuple[SessionRow, UserRow] | None:
            found = first(conn, sa.select(console_sessions).where(console_sessions.c.id == id_))
            if found is None:
                return None
            row = SessionRow.model_validate(found)
            used = row.kind is SessionKind.TOKEN or at < row.seen_at + idle
            if row.revoked_at is not None or at >= row.expires_at or not used:
                return None
            mine = first(conn, sa.select(console_users).where(console_users.c.name == row.user))
            user = UserRow.model_validate(mine)
            return None if user.disabled_at is not None else (row, user)

        return self._store.read(work)

    def seen(self, id_: str, at: datetime) -> None:
        """The session is in use."""
        mine = sa.update(console_sessions).where(
            console_sessions.c.id == id_, console_sessions.c.seen_at < at
        )
        self._store.write(lambda tx: tx.conn.execute(mine.values(seen_at=at)))

    def revoke_session(self, id_: str, at: datetime) -> bool:
        """End a session; False where it had ended, or there is none."""
        live = console_sessions.c.id == id_, console_sessions.c.revoked_at.is_(None)
        change = sa.update(console_sessions).where(*live).values(revoked_at=at)
        return self._store.write(lambda tx: tx.conn.execute(change).rowcount) == 1

    def sessions(self, at: datetime, user: str | None = None) -> list[SessionRow]:
        """Sessions that have not ended, the newest first."""
        live = [console_sessions.c.revoked_at.is_(None), console_sessions.c.expires_at > at]
        mine = [console_sessions.c.user == user] if user is not None else []
        order = (console_sessions.c.created_at.desc(), console_sessions.c.id)
        statement = sa.select(console_sessions).where(*live, *mine).order_by(*order)
        return [SessionRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]

    # The log.

    def log(self, new: NewLog, at: datetime) -> None:
        """Write down what somebody did."""
        values = new.model_dump(mode="json") | {"at": at}
        self._store.write(lambda tx: tx.conn.execute(sa.insert(console_log).values(**values)))

    def logged(
        self,
        *,
        before: int | None = None,
        after: int | None = None,
        oldest_first: bool = False,
        actor: str | None = None,
        case_id: str | None = None,
        limit: int = 50,
    ) -> list[LogRow]:
        """What was done, the newest first, before or after a number; by one account or about one case where named."""
        mine = console_log.c
        where = [mine.id < before] if before is not None else []
        where += [mine.id > after] if after is not None else []
        where += [mine.actor == actor] if actor is not None else []
        where += [mine.case_id == case_id] if case_id is not None else []
        order = mine.id.asc() if oldest_first else mine.id.desc()
        statement = sa.select(console_log).where(*where).order_by(order).limit(limit)
        return [LogRow.model_validate(row) for row in self._store.read(lambda c: every(c, statement))]

    def _change(self, name: str, values: dict[str, Any], at: datetime) -> None:
        live = console_sessions.c.user == name, console_sessions.c.revoked_at.is_(None)

        def work(tx: Transaction) -> None:
            mine = sa.update(console_users).where(console_users.c.name == name).values(**values)
            if tx.conn.execute(mine).rowcount != 1:
                raise NotInLedger(f"the console has no account {name}")
            tx.conn.execute(sa.update(console_sessions).where(*live).values(revoked_at=at))

        self._store.write(work)


def _of_provider(conn: sa.Connection, identity: str) -> UserRow | None:
    found = first(conn, sa.select(console_users).where(console_users.c.password == identity))
    return UserRow.model_validate(found) if found else None


def _session(conn: sa.Connection, id_: str) -> SessionRow:
    return SessionRow.model_validate(
        first(conn, sa.select(console_sessions).where(console_sessions.c.id == id_))
    )
