"""Refuses the kinds of file that are not read, by their first bytes and never by a name."""

import re

from service.errors import Invalid, UnsupportedFile

READ = "JSONL, JSON, CSV, TSV, Parquet or Arrow IPC, plain, gzip or zstd"
# Archives, pickles, arrays, pages and media, by their first bytes.
UNREAD: dict[str, tuple[bytes, ...]] = {
    "a zip archive (a workbook? save it as CSV)": (b"PK\x03\x04", b"PK\x05\x06"),
    "an old workbook: save it as CSV": (b"\xd0\xcf\x11\xe0",),
    "a pickle": (
        b"\x80\x01", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"(dp", b"(lp", b"(i__",
        b"ccopy_reg", b"cos\n", b"cposix\n", b"c__builtin__", b"cbuiltins\n",
    ),
    "a NumPy array": (b"\x93NUMPY",),
    "a compressed pickle, or another zlib stream": (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"ZF"),
    "a bzip2 file": (b"BZh",),
    "an xz file": (b"\xfd7zXZ", b"\x5d\x00\x00"),
    "an lz4 file": (b"\x04\x22\x4d\x18",),
    "a 7z archive": (b"7z\xbc\xaf",),
    "a RAR archive": (b"Rar!",),
    "an SQLite database": (b"SQLite format 3",),
    "an HDF5 file": (b"\x89HDF",),
    "an Avro file": (b"Obj\x01",),
    "an ORC file": (b"ORC",),
    "an old Feather file: write it again as Arrow IPC": (b"FEA1",),
    "a PDF": (b"%PDF",),
    "a program": (b"\x7fELF", b"MZ\x90", b"#!/"),
    "an image": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM"),
    "a medium": (b"RIFF", b"OggS", b"ID3", b"fLaC", b"\x1aE\xdf\xa3"),
}  # fmt: skip
BOM = b"\xef\xbb\xbf"
MARKUP = re.compile(rb"\s*<(?:!|\?xml|html|head|body|svg|rss|table)", re.IGNORECASE)
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# ASCII in UTF-16 or UTF-32 without a byte order mark: every second byte at least is 0.
WIDE = re.compile(rb"(?:[\x01-\x7f]\0){2}|(?:\0[\x01-\x7f]){2}|[\x01-\x7f]\0{3}|\0{3}[\x01-\x7f]")
BINARY = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def refuse_unread(head: bytes) -> None:
    """Raises UnsupportedFile, or Invalid `not_utf8` for text in another encoding."""
    for name, starts in UNREAD.items():
        found = next((start for start in starts if head.startswith(start)), None)
        if found and not (name != "a pickle" and is_text(head, found)):
            raise UnsupportedFile(f"this is {name}: give {READ}")
    if head[257:262] == b"ustar":
        raise UnsupportedFile(f"this is a tar archive: give {READ}")
    if head.startswith(UTF_16) or WIDE.match(head):
        detail = "not UTF-8 at byte 0: this looks like UTF-16 or UTF-32; save it as UTF-8"
        raise Invalid(detail, code="not_utf8", byte=0)
    if MARKUP.match(head.removeprefix(BOM)):
        raise UnsupportedFile(f"this is a page or a drawing: give {READ}")


def is_text(head: bytes, start: bytes) -> bool:
    """Whether letters that also begin a binary file begin a text here: `ORC,prompt`, `x^2`."""
    return len(start) <= 3 and start.isalnum() and not BINARY.search(head[:64])


def starts_json(head: bytes) -> bool:
    return head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")
