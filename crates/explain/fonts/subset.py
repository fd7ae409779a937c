"""Cuts the font of pictures out of Noto Sans CJK SC: subset.py NotoSansCJK-Regular.ttc OUT.otf

Kept: ASCII, the punctuation and the 3755 common characters of GB 2312, and signs of mathematics. The font is
renamed, as its licence (OFL 1.1) reserves the name of the original.
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

FAMILY = "Upconv Sans"
SIMPLIFIED_CHINESE = "Noto Sans CJK SC"
SIGNS = "×÷±·→←↑↓≤≥≠≈∑∞√∈²³°…–—"


def characters():
    kept = {chr(c) for c in range(0x20, 0x7F)} | set(SIGNS)
    # Rows 1 and 3 of GB 2312 are punctuation and wide Latin, rows 16 to 55 the common characters.
    for row in [1, 3, *range(16, 56)]:
        for cell in range(1, 95):
            try:
                kept.add(bytes([0xA0 + row, 0xA0 + cell]).decode("gb2312"))
            except UnicodeDecodeError:
                pass
    return kept


def face(path):
    for number in range(16):
        font = TTFont(path, fontNumber=number, lazy=True)
        if font["name"].getDebugName(1) == SIMPLIFIED_CHINESE:
            return font
    raise SystemExit(f"{path} has no face {SIMPLIFIED_CHINESE}")


def main():
    source, out = sys.argv[1:]
    font = face(source)
    options = subset.Options()
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.hinting = False
    options.desubroutinize = False
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(sorted(characters())))
    cutter.subset(font)
    for record in list(font["name"].names):
        if record.nameID in (1, 3, 4, 6):
            text = FAMILY.replace(" ", "") if record.nameID == 6 else FAMILY
            font["name"].setName(text, record.nameID, record.platformID, record.platEncID, record.langID)
    font["CFF "].cff.fontNames = [FAMILY.replace(" ", "")]
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(out)
    print(f"{out}: {len(font.getBestCmap())} characters")


main()
