"""Let attributes have been written earlier than they were; run by the Python that Debian's Samba modules are for.

`samba_past.py SMB_CONF BASE DAYS ATTRIBUTE…` moves the times in `replPropertyMetaData` of everything under BASE that
has one of the attributes. It works on the controller's own database file, as Samba's own tests do: LDAP refuses it.
"""

from __future__ import annotations

import sys

import ldb  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.dcerpc import drsblobs  # type: ignore[import-not-found]
from samba.ndr import ndr_pack, ndr_unpack  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]

CHANGE_REPLICATION_METADATA = "local_oid:1.3.6.1.4.1.7165.4.3.14:0"
METADATA = "replPropertyMetaData"
DAY = 86_400 * 10**7  # [MS-DTYP] 2.3.3: FILETIME counts 100 ns


def main(smb_conf: str, base: str, days: str, *names: str) -> None:
    """Rewrite each object's metadata in one modification."""
    settings = LoadParm(smb_conf)
    database = SamDB(session_info=system_session(), lp=settings, url=settings.private_path("sam.ldb"))
    attributes = {database.get_attid_from_lDAPDisplayName(name) for name in names}
    either = "".join(f"({name}=*)" for name in names)
    for entry in database.search(base, ldb.SCOPE_SUBTREE, f"(|{either})", [METADATA]):
        metadata = ndr_unpack(drsblobs.replPropertyMetaDataBlob, entry[METADATA][0])
        for stamp in metadata.ctr.array:
            if stamp.attid in attributes:
                stamp.originating_change_time -= int(days) * DAY
                stamp.local_usn = database.sequence_number(ldb.SEQ_NEXT)  # a change has to look like one
        change = ldb.Message(entry.dn)
        change[METADATA] = ldb.MessageElement(ndr_pack(metadata), ldb.FLAG_MOD_REPLACE, METADATA)
        database.modify(change, [CHANGE_REPLICATION_METADATA])


if __name__ == "__main__":
    main(*sys.argv[1:])
