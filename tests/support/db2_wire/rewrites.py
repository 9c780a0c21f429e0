"""What has to change between IBM's driver and Apache Derby so that they understand each other.

Both speak DRDA, but Derby turns away every client that is not its own, puts optional fields where the driver does not
look for them, and reports each error under one SQLCODE. Statements that Db2 has and Derby lacks are put into Derby's
words only where Spine cannot do without them.
"""

from __future__ import annotations

import re
import struct

from tests.support.db2_wire.frames import change_members, code_point_of, ddm

_ACCRDB, _DSCSQLSTT, _SQLSTT, _SQLCARD, _SQLDARD = 0x2001, 0x2008, 0x2414, 0x2408, 0x2411
_PRDID, _TRGDFTRT, _QRYINSID = 0x112E, 0x213B, 0x215B
_DERBY_CLIENT = b"DNC10010"  # the lowest version: it asks for none of Derby's own extensions
_NO_ROW = (100, b"02000")
_LONGEST_WORDS = 70  # of SQLERRMC: the driver calls more a protocol error

# SQLSTATE of Derby: SQLCODE and SQLSTATE of Db2.
_ERRORS: dict[bytes, tuple[int, bytes]] = {
    b"22001": (-433, b"22001"),
    b"22003": (-413, b"22003"),
    b"22012": (-801, b"22012"),
    b"22018": (-420, b"22018"),
    b"23502": (-407, b"23502"),
    b"23503": (-530, b"23503"),
    b"23505": (-803, b"23505"),
    b"23513": (-545, b"23513"),
    b"40001": (-911, b"40001"),
    b"40XL1": (-911, b"40001"),
    b"40XL2": (-911, b"40001"),
    b"42802": (-117, b"42802"),
    b"42X01": (-104, b"42601"),
    b"42X02": (-104, b"42601"),
    b"42X04": (-206, b"42703"),
    b"42X05": (-204, b"42704"),
    b"42X14": (-206, b"42703"),
    b"42Y07": (-204, b"42704"),
    b"42Y55": (-204, b"42704"),
    b"X0Y32": (-601, b"42710"),
}
_ARGUMENT = rb"(?:[^(),]|\((?:[^()]|\([^()]*\))*\))+"
_STATEMENTS: tuple[tuple[re.Pattern[bytes], bytes], ...] = (
    # Derby cannot round. A cast cuts, and what Spine rounds is never negative.
    (re.compile(rb"\bROUND\((" + _ARGUMENT + rb"), 6\)"), rb"CAST(\1 + 0.0000005 AS DECIMAL(31, 6))"),
    (re.compile(rb"\bSYSCAT\.", re.IGNORECASE), b"DB2CAT."),
    # Derby knows one time-out for the whole server, which server.py sets.
    (re.compile(rb"^\s*SET CURRENT LOCK TIMEOUT \d+\s*$", re.IGNORECASE), b"SET ISOLATION CS"),
)


def to_derby(payload: bytes) -> bytes:
    """A request of the driver as Derby takes it."""
    code_point = code_point_of(payload)
    if code_point == _ACCRDB:
        return change_members(payload, _as_derby_client)
    if code_point == _DSCSQLSTT:
        return change_members(payload, lambda member, content: None if member == _QRYINSID else content)
    if code_point == _SQLSTT and payload[4] == 0:
        return _change_statement(payload)
    return payload


def _as_derby_client(member: int, content: bytes) -> bytes:
    # TRGDFTRT "false": the driver does not expect the package defaults where Derby would put them.
    return {_PRDID: _DERBY_CLIENT, _TRGDFTRT: b"\xf0"}.get(member, content)


def _change_statement(payload: bytes) -> bytes:
    (length,) = struct.unpack_from(">I", payload, 5)
    statement, rest = payload[9 : 9 + length], payload[9 + length :]
    for pattern, replacement in _STATEMENTS:
        statement = pattern.sub(replacement, statement)
    return ddm(_SQLSTT, b"\0" + struct.pack(">I", len(statement)) + statement + rest)


def to_driver(payload: bytes) -> bytes:
    """A reply of Derby as the driver takes it: SQLCODE and SQLSTATE of Db2, and few enough words."""
    has_diagnostics = len(payload) > 62 and payload[4] == 0 and payload[22] == 0
    if code_point_of(payload) not in (_SQLCARD, _SQLDARD) or not has_diagnostics:
        return payload
    code, state = struct.unpack_from(">i5s", payload, 5)
    if code == 0:
        return payload
    if code < 0:
        code, state = _ERRORS.get(state, (code, state))
    elif state == _NO_ROW[1]:
        code = _NO_ROW[0]
    (name_length,) = struct.unpack_from(">H", payload, 58)  # of the database
    words_at = 60 + name_length
    (words_length,) = struct.unpack_from(">H", payload, words_at)
    words = payload[words_at + 2 : words_at + 2 + words_length][:_LONGEST_WORDS]
    rest = payload[words_at + 2 + words_length :]
    head = payload[4:5] + struct.pack(">i5s", code, state) + payload[14:words_at]
    return ddm(code_point_of(payload), head + struct.pack(">H", len(words)) + words + rest)
