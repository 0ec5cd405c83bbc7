"""Files of Git LFS that were not downloaded: what lies in their place is three lines of text."""

from __future__ import annotations

POINTER = b"version https://git-lfs.github.com/spec/v1"
GOT = "a Git LFS pointer: three lines that stand for a file which was not downloaded"
DO = "get the file itself: `git lfs pull` in its repository, or the download link of the site"


def is_pointer(data: bytes) -> bool:
    """Whether these first bytes of a file are those of a pointer."""
    return data.startswith(POINTER)
