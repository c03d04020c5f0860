"""Writes Sources/SegImages/Drawing/SpleenFont.swift from spleen-8x16.bdf of https://github.com/fcambus/spleen.

    python3 Scripts/spleen_font.py spleen-8x16.bdf LICENSE > Sources/SegImages/Drawing/SpleenFont.swift
"""

import sys

# Latin-1, Latin Extended-A, Greek, Cyrillic, punctuation and a few signs.
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3C9), (0x401, 0x491), (0x2010, 0x2026), (0x20AC, 0x20AC), (0x2122, 0x2122),
          (0x2264, 0x2265)]  # fmt: skip
GLYPHS_PER_LINE = 3


def glyphs(path):
    """The sixteen rows of each glyph as hexadecimal digits, by code point."""
    result, code, rows = {}, None, None
    for line in open(path, encoding="utf-8"):
        word, *rest = line.split()
        if word == "ENCODING":
            code = int(rest[0])
        elif word == "BITMAP":
            rows = []
        elif word == "ENDCHAR":
            if any(first <= code <= last for first, last in RANGES):
                result[code] = "".join(rows).lower()
            rows = None
        elif rows is not None:
            rows.append(word)
    return result


def lines(table):
    """Lines of a code point and the glyphs from it on."""
    codes = sorted(table)
    while codes:
        count = 1
        while count < min(GLYPHS_PER_LINE, len(codes)) and codes[count] == codes[0] + count:
            count += 1
        yield f"{codes[0]:04x} " + " ".join(table[code] for code in codes[:count])
        codes = codes[count:]


def main():
    bdf, license = sys.argv[1:]
    print("// The glyphs of Spleen 8x16, a font by Frederic Cambus: https://github.com/fcambus/spleen.")
    print("// Written by Scripts/spleen_font.py. The licence of the font, BSD 2-Clause:\n//")
    for line in open(license, encoding="utf-8"):
        print(("// " + line.rstrip()).rstrip())
    print("\nextension BitmapFont {")
    print("  /// A font of 8 × 16 pixels: Latin-1, Latin Extended-A, most of Greek and Cyrillic, and some punctuation. Each line is")
    print("  /// the code point of a character, then the glyphs of it and of the following ones, a byte for each row.")
    print('  static let spleen = BitmapFont(\n    glyphs: """')
    for line in lines(glyphs(bdf)):
        print("      " + line)
    print('      """)\n}')


if __name__ == "__main__":
    main()
