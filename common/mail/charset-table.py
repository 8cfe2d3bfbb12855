#!/usr/bin/env python3
"""Writes charset-table.c: the upper halves of the single-byte character sets that mail uses, by
Python's own codecs. Run it only to add a set; the result is kept in the tree."""
import sys

SETS = ("cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 cp874 "
        "iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-10 "
        "iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 koi8-r koi8-u macintosh mac-cyrillic").split()


def upper_half(name):
    codec = "mac-roman" if name == "macintosh" else name
    return [ord(bytes([b]).decode(codec, "replace")) for b in range(128, 256)]


out = ["/* Made by charset-table.py: what the bytes 0x80 to 0xff stand for. 0xfffd: nothing. */",
       '#include "common/mail/charset-table.h"', "", "const struct charset_table charset_tables[] = {"]
for name in SETS:
    row = upper_half(name)
    out.append(f'\t{{ "{name}", {{')
    out += ["\t\t" + " ".join(f"0x{c:04x}," for c in row[i:i + 8]) for i in range(0, 128, 8)]
    out.append("\t} },")
out += ["\t{ .name = \"\" }", "};", ""]
sys.stdout.write("\n".join(out))
