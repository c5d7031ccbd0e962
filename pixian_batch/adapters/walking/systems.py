"""The names under which operating systems, network disks and sync programs keep their own things. Pure.

Their thumbnails, recycle bins and snapshots look like photos and would be bought a second time. Names are
compared without regard to case: they come back changed from shares and archives. `Recycled` and the like are
not among them: albums are called so.
"""

from __future__ import annotations

from typing import Final

_NAMES: Final = frozenset(
    {
        # Synology
        *("@eadir", "#recycle", "#snapshot", "@sharesnap", "@tmp"),
        # QNAP
        *("@recycle", "@recently-snapshot", ".@__thumb", ".@upload_cache"),
        # snapshots of other disks: NetApp, ZFS, Btrfs
        *("~snapshot", ".snapshot", ".snapshots", ".zfs"),
        # Windows
        *("$recycle.bin", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"),
        # Linux desktops and Android
        *("lost+found", ".trash", ".thumbnails"),
        # macOS, and archives that it packs
        *(".trashes", ".spotlight-v100", ".fseventsd", ".temporaryitems", ".documentrevisions-v100"),
        *(".appledouble", ".appledb", ".appledesktop", "network trash folder", "temporary items", "__macosx"),
        # sync programs: Syncthing, Resilio, Dropbox
        *(".stfolder", ".stversions", ".sync", ".dropbox.cache"),
    }
)
_BEGINNINGS: Final = ("._", ".trash-", ".trashed-", ".pending-")
"""AppleDouble companions; a user's trash on a mounted disk; what Android has thrown away or not yet taken."""


def is_system(name: str) -> bool:
    """Whether a file or folder of this name belongs to a system and not to the user."""
    name = name.lower()
    return name in _NAMES or name.startswith(_BEGINNINGS)
