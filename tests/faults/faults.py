"""The faults of the suite, with what is expected of a run that meets each of them."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Any

from tests.faults.scene import Scene, Seen
from tests.servers.fault_proxy import Break, Rule, http, http_answer, mysql_error

Changes = dict[str, Any]
Cause = Callable[[Scene], contextlib.AbstractContextManager[Changes]]


class Expected(enum.Enum):
    """The end of a run in spite of a fault, or because of it."""

    SUCCESS = Seen("success", "success", "written", "sent")
    LATE_PROBLEM = Seen("warning", "success", "written", "sent")
    NOT_UPLOADED = Seen("success", "error", "written", "sent")
    NO_BACKUP = Seen("error", "none", "written", "sent")
    RECORD_WAITS = Seen("warning", "success", "in the spool", "sent")
    RECORD_ALONE_WAITS = Seen("success", "success", "in the spool", "sent")
    MAIL_WAITS = Seen("warning", "success", "written", "in the spool")
    NO_MAIL = Seen("warning", "success", "written", "none")

    @property
    def words(self) -> str:
        """The sentence of the table."""
        return SENTENCES[self]


SENTENCES = {
    Expected.SUCCESS: "The backup is made, uploaded, recorded and mailed.",
    Expected.LATE_PROBLEM: "The backup is made and uploaded; what came after it is named as a problem.",
    Expected.NOT_UPLOADED: "The backup is made and stays on the host; the next run uploads it.",
    Expected.NO_BACKUP: "There is no backup, and nothing has a final name.",
    Expected.RECORD_WAITS: "The backup is made and uploaded; a later run writes its record and the removals.",
    Expected.RECORD_ALONE_WAITS: "The backup is made and uploaded; a later run writes its record.",
    Expected.MAIL_WAITS: "The backup is made and uploaded; a later run sends the mail.",
    Expected.NO_MAIL: "The backup is made and uploaded; that nobody can get the mail is named as a problem.",
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault.

    :param words: what the run says; empty where it need not say anything
    :param is_quick: whether ``make test`` has it, too
    """

    group: str
    name: str
    expected: Expected
    cause: Cause
    words: tuple[str, ...] = ()
    is_quick: bool = False


PATIENT = {f"{step}__patience": 60 for step in ("open", "upload", "close", "prune", "mail", "earlier")}


def broken(server: str, rule: Rule, **changes: Any) -> Cause:
    """Break connections to one of the scene's servers."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        proxy = getattr(scene, server)
        proxy.set(rule)
        yield changes
        assert proxy.broken, "the fault never came"

    return cause


# The store
REQUESTS = {
    "the look for the object": rb"HEAD /",
    "the start of the upload": rb"POST /\S+\?uploads",
    "a part": rb"PUT /\S+partNumber=2",
    "the end of the upload": rb"POST /\S+\?uploadId",
    "the manifest": rb"PUT /\S+manifest\.json",
    "the list that retention reads": rb"GET /\S+list-type=2",
    "a manifest that retention reads": rb"GET /\S+manifest\.json",
    "a deletion by retention": rb"DELETE /\S+\.zip",
}
ONCE = {
    "a reset connection": Rule(Break.RESET),
    "a lost answer": Rule(Break.DROP_ANSWER),
    "an answer that is cut off": Rule(Break.CUT_ANSWER, at=20),
    "an answer 500": Rule(Break.ANSWER, answer=http_answer(500, "InternalError")),
    "an answer 503": Rule(Break.ANSWER, answer=http_answer(503, "SlowDown")),
    "a delay of 2 seconds": Rule(Break.DELAY, seconds=2),
}
LATE = ("the list that retention reads", "a manifest that retention reads", "a deletion by retention")
UNAVAILABLE = Rule(Break.ANSWER, answer=http_answer(503, "ServiceUnavailable"))
# By S3's code: the status, and words of the message.
REFUSALS = {
    "AccessDenied": (403, "these credentials may not do that"),
    "BadDigest": (400, "the server received other bytes than were sent"),
    "EntityTooLarge": (400, "the server refused it"),
    "ExpiredToken": (400, "the session token has expired: renew session_token"),
    "InsufficientStorage": (507, "the server answered 507: repeat when it works again"),
    "InvalidAccessKeyId": (403, "the server does not know the access key: correct access_key"),
    "InvalidToken": (400, "the server does not know the session token"),
    "MethodNotAllowed": (405, "the server refused it"),
    "NoSuchBucket": (404, "the bucket does not exist: create it, or correct bucket"),
    "PermanentRedirect": (301, "the bucket is in another region: correct region"),
    "QuotaExceeded": (403, "the server refused it"),
    "RequestTimeTooSkewed": (403, "this host's clock is wrong: set it"),
    "SignatureDoesNotMatch": (403, "the secret key does not belong to the access key: correct secret_key"),
    "TooManyRequests": (429, "the server refused it"),
}


def at_store(rule: Rule, when: bytes = rb"", **changes: Any) -> Cause:
    return broken("store", dataclasses.replace(rule, when=when), **changes)


def faults_of_the_store() -> Iterator[Fault]:
    group = "The object store"
    for request, when in REQUESTS.items():
        for kind, rule in ONCE.items():
            # The answer to PUT comes after `100 Continue`.
            at = 60 if rule.kind is Break.CUT_ANSWER and when.startswith(b"PUT") else rule.at
            cause = at_store(dataclasses.replace(rule, times=1, at=at), when, **PATIENT)
            # A manifest that is cut off is a damaged one, and then nothing is removed.
            is_damaged = rule.kind is Break.CUT_ANSWER and request == "a manifest that retention reads"
            expected = Expected.LATE_PROBLEM if is_damaged else Expected.SUCCESS
            yield Fault(group, f"{kind}, once, at {request}", expected, cause)
    for request, when in REQUESTS.items():
        expected = Expected.LATE_PROBLEM if request in LATE else Expected.NOT_UPLOADED
        said = ("the server answered 503: repeat when it works again",)
        yield Fault(group, f"answers 503 without end, at {request}", expected, at_store(UNAVAILABLE, when), said)
    for code, (status, words) in REFUSALS.items():
        rule = Rule(Break.ANSWER, answer=http_answer(status, code))
        cause = at_store(rule, REQUESTS["the start of the upload"])
        yield Fault(group, f"a refusal `{code}`", Expected.NOT_UPLOADED, cause, (words,))
    garbled = {
        "an error page of a proxy": http(502, "<html>Bad gateway</html>"),
        "a login page in place of the store": http(200, "<html>Log in</html>"),
        "an answer that is not HTTP": b"+OK this is another server\r\n",
        "an empty answer": b"",
    }
    for name, answer in garbled.items():
        cause = at_store(Rule(Break.ANSWER, answer=answer), REQUESTS["the start of the upload"])
        yield Fault(group, name, Expected.NOT_UPLOADED, cause, ("s3://vex/",))
    yield Fault(
        group,
        "no connection",
        Expected.NOT_UPLOADED,
        broken("store", Rule(Break.REFUSE)),
        ("could not be reached", "check endpoint_url"),
        is_quick=True,
    )
    yield Fault(
        group,
        "a server that hangs",
        Expected.NOT_UPLOADED,
        broken("store", Rule(Break.HANG), upload__timeout=3),
        ("took longer than 3 seconds",),
        is_quick=True,
    )
    flipped = dataclasses.replace(Rule(Break.FLIP_REQUEST), at=3000)
    yield Fault(
        group,
        "a byte of a part that changes on its way, once",
        Expected.NOT_UPLOADED,
        at_store(dataclasses.replace(flipped, times=1), REQUESTS["a part"]),
        ("s3://vex/",),
        is_quick=True,
    )


# The log database
STATEMENTS = {
    "the connection": rb"",
    "the check of the schema": rb"versao_esquema",
    "the search for the row": rb"FROM backup_log WHERE run_uuid",
    "the new row": rb"INSERT INTO backup_log",
    "the commit": rb"\x03COMMIT",
}
OF_LOG_DB = {
    "a reset connection": Rule(Break.RESET),
    "a lost answer": Rule(Break.DROP_ANSWER),
    "an answer that is cut off": Rule(Break.CUT_ANSWER, at=3),
    "a changed byte of the answer's header": Rule(Break.FLIP_ANSWER, at=3),
}
OF_LOST_ANSWERS = {
    "the search for the row": Expected.RECORD_ALONE_WAITS,
    "the new row": Expected.RECORD_ALONE_WAITS,
    # The server has written it.
    "the commit": Expected.LATE_PROBLEM,
}
KEPT = ("log database: ", "the record is kept in")


def faults_of_the_log_database() -> Iterator[Fault]:
    group = "The log database"
    for statement, when in STATEMENTS.items():
        for kind, rule in OF_LOG_DB.items():
            if statement == "the connection" and rule.kind is Break.RESET:
                continue
            once = broken("log", dataclasses.replace(rule, when=when, times=1), **PATIENT)
            yield Fault(group, f"{kind}, once, at {statement}", Expected.SUCCESS, once)
        lost = broken("log", Rule(Break.DROP_ANSWER, when=when))
        expected = OF_LOST_ANSWERS.get(statement, Expected.RECORD_WAITS)
        yield Fault(group, f"a lost answer, always, at {statement}", expected, lost, KEPT)
    refused = {
        "too many connections": (1040, "Too many connections"),
        "a host that is not allowed": (1130, "Host is not allowed to connect"),
        "a host that is blocked": (1129, "Host is blocked because of many connection errors"),
    }
    for name, (number, message) in refused.items():
        cause = broken("log", Rule(Break.ANSWER, answer=mysql_error(number, message)))
        yield Fault(group, name, Expected.RECORD_WAITS, cause, ("log database: ", message))
    yield Fault(group, "no connection", Expected.RECORD_WAITS, broken("log", Rule(Break.REFUSE)), KEPT, is_quick=True)
    answer = Rule(Break.ANSWER, answer=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    yield Fault(group, "another server at its address", Expected.RECORD_WAITS, broken("log", answer), KEPT)


# The mail server
COMMANDS = {
    "the greeting": rb"",
    "EHLO": rb"ehlo ",
    "MAIL": rb"mail from:",
    "RCPT": rb"rcpt to:",
    "DATA": rb"data\r\n",
    "the content": rb"\r\n\.\r\n",
}


def faults_of_the_mail_server() -> Iterator[Fault]:
    group = "The mail server"
    kept = ("the mail server 127.0.0.1:", "the mail is kept in")
    for command, when in COMMANDS.items():
        reply = Rule(Break.ANSWER, when=when, answer=b"421 4.3.2 closing\r\n")
        yield Fault(group, f"421 at {command}", Expected.MAIL_WAITS, broken("mail", reply), kept)
        for kind, rule in {"a reset connection": Rule(Break.RESET), "a lost answer": Rule(Break.DROP_ANSWER)}.items():
            rule_there = dataclasses.replace(rule, when=when)
            # The server has accepted the mail, and nobody knows: a later run sends it again.
            is_sent = command == "the content" and rule.kind is Break.DROP_ANSWER
            expected = Expected.LATE_PROBLEM if is_sent else Expected.MAIL_WAITS
            yield Fault(group, f"{kind} at {command}", expected, broken("mail", rule_there), kept)
        if command != "the content":
            once = broken("mail", dataclasses.replace(reply, times=1), **PATIENT)
            yield Fault(group, f"421, once, at {command}", Expected.SUCCESS, once)
    refusals = {
        "554 in place of a greeting": Rule(Break.ANSWER, answer=b"554 5.7.1 no service here\r\n"),
        "550 to the sender": Rule(Break.ANSWER, when=COMMANDS["MAIL"], answer=b"550 5.1.8 unknown sender\r\n"),
        "550 to the recipient": Rule(Break.ANSWER, when=COMMANDS["RCPT"], answer=b"550 5.1.1 unknown user\r\n"),
        "554 to the content": Rule(Break.ANSWER, when=COMMANDS["the content"], answer=b"554 5.7.1 spam\r\n"),
        "another server at its address": Rule(Break.ANSWER, answer=b"SSH-2.0-OpenSSH_9.2\r\n"),
    }
    for name, rule in refusals.items():
        yield Fault(group, name, Expected.MAIL_WAITS, broken("mail", rule), kept)
    yield Fault(group, "no connection", Expected.MAIL_WAITS, broken("mail", Rule(Break.REFUSE)), kept, is_quick=True)
    hung = broken("mail", Rule(Break.HANG), mail__timeout=2)
    said = ("did not take the mail within 2 seconds", "raise timeout")
    yield Fault(group, "a server that hangs", Expected.MAIL_WAITS, hung, said, is_quick=True)


# The server that is backed up
def faults_of_the_server() -> Iterator[Fault]:
    group = "The server that is backed up"
    where = ("check login_unix_socket",)
    yield Fault(group, "no connection", Expected.NO_BACKUP, broken("source", Rule(Break.REFUSE)), where, is_quick=True)
    hung = broken("source", Rule(Break.HANG), dump__connect_timeout=2)
    yield Fault(group, "a server that hangs", Expected.NO_BACKUP, hung, where)
    garbled = broken("source", Rule(Break.ANSWER, answer=b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    yield Fault(group, "another server at its address", Expected.NO_BACKUP, garbled, where)
    full = broken("source", Rule(Break.ANSWER, answer=mysql_error(1040, "Too many connections")))
    yield Fault(group, "too many connections", Expected.NO_BACKUP, full, ("Too many connections",))
    statements = {
        "the list of tables": rb"information_schema",
        "the lock of the snapshot": rb"FLUSH TABLES",
        "the start of the snapshot": rb"START TRANSACTION",
        "the rows": rb"SELECT .* FROM `loja`\.`foto`",
    }
    for statement, when in statements.items():
        for kind, rule in {"a reset connection": Rule(Break.RESET), "a lost answer": Rule(Break.DROP_ANSWER)}.items():
            cause = broken("source", dataclasses.replace(rule, when=when))
            yield Fault(group, f"{kind} at {statement}", Expected.NO_BACKUP, cause)


FAULTS = [
    *faults_of_the_store(),
    *faults_of_the_log_database(),
    *faults_of_the_mail_server(),
    *faults_of_the_server(),
]
