#!/usr/bin/env python3
"""Opens an AetherFlow sealed field, version 1, with nothing of AetherFlow but its format page (sealed-field.md).

open_field.py                                             opens the page's two known answers
open_field.py KEY SEALED TENANT TABLE COLUMN [ROW]        KEY in hex, SEALED in hex or as af1. text; plaintext on stdout
                                                          without ROW the value is bound to the column only
Needs `pip install cryptography`. Exit code 1 if a value does not open.
"""
import base64
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def pae(*parts):
    return struct.pack("<Q", len(parts)) + b"".join(struct.pack("<Q", len(part)) + part for part in parts)


def aes_block(key, block):
    return Cipher(algorithms.AES256(key), modes.ECB()).encryptor().update(block)


def xaes_open(key, nonce, ciphertext, aad):
    l = int.from_bytes(aes_block(key, bytes(16)), "big")
    k1 = (l << 1) % 2**128 ^ (0x87 if l >> 127 else 0)
    blocks = (b"\x00" + bytes([i]) + b"X\x00" + nonce[:12] for i in (1, 2))
    derived = b"".join(aes_block(key, (int.from_bytes(m, "big") ^ k1).to_bytes(16, "big")) for m in blocks)
    return AESGCM(derived).decrypt(nonce[12:], ciphertext, aad)


def from_text(sealed):
    if not sealed.startswith("af1."):
        return bytes.fromhex(sealed)
    encoded = sealed.removeprefix("af1.")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)


def open_field(key, sealed, tenant, table, column, row=None):
    if len(sealed) < 45 or sealed[0] != 1:
        raise ValueError("no sealed field of version 1")
    if not all((tenant, table, column)) or row == b"":
        raise ValueError("a part of the context is empty")
    label, parts = (b"column", ()) if row is None else (b"field", (row,))
    aad = pae(b"aetherflow/" + label + b"/v1", tenant, table, column, *parts)
    return xaes_open(key, sealed[5:29], sealed[29:], aad)


def main(arguments):
    if len(arguments) not in (0, 5, 6):
        sys.exit(__doc__)
    for key, sealed, *context in [arguments] if arguments else KNOWN_ANSWERS:
        try:
            plaintext = open_field(bytes.fromhex(key), from_text(sealed), *(part.encode() for part in context))
        except (InvalidTag, ValueError) as error:
            sys.exit(f"does not open: {error!r}")
        sys.stdout.buffer.write(plaintext + b"\n")


HEAD = "01deadbeef4142434445464748494a4b4c4d4e4f505152535455565758"
CELL = HEAD + "f77942c674ee964929b80528b9fdca95b5105038d02e040cdc7fb71a48b11f891f"
COLUMN = HEAD + "f77942c674ee964929b80528b9fdca95b5f623e8393a8d7e4371e4fd7d574ef302"
KNOWN_ANSWERS = [
    ["01" * 32, CELL, "tenant-7", "users", "email", "42"],
    ["01" * 32, COLUMN, "tenant-7", "users", "email"],
]

if __name__ == "__main__":
    main(sys.argv[1:])
