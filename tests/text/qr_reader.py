"""Reads QR codes that were drawn, with a reader that is not ours: see tests/rig/outside.h.

    python3 qr_reader.py DIR        lines "NAME EXPECTED": is FILE DIR/NAME a code with the text in DIR/EXPECTED? "ok"
    python3 qr_reader.py read FILE  prints the text of the code in FILE

A file is an SVG of runs, or lines of half blocks (with colours: black on white; without: letters are light, and with
"light" in its name dark).
"""
import os
import re
import subprocess
import sys


def reader():
    if not os.environ.get("SLUICE_CACHE"):
        return "ci/tool is not here"
    done = subprocess.run(["ci/tool", "zxing"], capture_output=True, text=True)
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["?"])[-1]
    sys.path.insert(0, done.stdout.strip())
    return ""


def pixels_of_svg(text):
    """Rows of True for dark; the white ground has to be there."""
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', text)[1])
    assert f'<rect width="{side}" height="{side}" fill="#fff"/>' in text
    rows = [[False] * side for _ in range(side)]
    for x, y, run, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", text):
        assert run == back
        for i in range(int(run)):
            rows[int(y)][int(x) + i] = True
    return rows


def pixels_of_blocks(text, light):
    coloured = "\x1b[30;107m" in text
    rows = []
    for line in text.splitlines():
        line = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", line)
        if not line.strip(" ▀▄█") == "" or line == "":
            continue
        drawn = [c in "▀█" for c in line], [c in "▄█" for c in line]
        rows += [[d == (coloured or light) for d in half] for half in drawn]
    width = max(map(len, rows))
    return [row + [False] * (width - len(row)) for row in rows]


def read(path):
    import zxingcpp
    with open(path, encoding="utf-8") as file:
        text = file.read()
    rows = pixels_of_svg(text) if "<svg" in text else pixels_of_blocks(text, "light" in os.path.basename(path))
    zoom = 4
    data = bytearray()
    for row in rows:
        data += b"".join((b"\x00" if dark else b"\xff") * zoom for dark in row) * zoom
    image = memoryview(data).cast("B", shape=[len(rows) * zoom, len(rows[0]) * zoom])
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return [one.text for one in found]


def main():
    missing = reader()
    if missing:
        print("missing: a reader of QR codes:", missing, flush=True)
        return 1
    if sys.argv[1] == "read":
        print("\n".join(read(sys.argv[2])))
        return 0
    folder = sys.argv[1]
    print("ready", flush=True)
    for line in sys.stdin:
        drawn, expected = line.split()
        with open(os.path.join(folder, expected), encoding="utf-8") as file:
            wanted = file.read()
        try:
            got = read(os.path.join(folder, drawn))
            print("ok" if got == [wanted] else f"bad: {drawn} reads as {got}", flush=True)
        except Exception as why:  # noqa: BLE001
            print(f"bad: {drawn}: {why!r}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
