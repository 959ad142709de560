"""QR codes as pictures, where reportlab cannot draw any. No database, no ORM."""

import io

import qrcode
from PIL import Image

LEVELS = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}


def draw(value: str, width: int, height: int, border: int = 4, level: str = "L") -> bytes:
    """Return a QR code as a PNG.

    :param width: in pixels; the code is a square in the middle of it
    :param border: white modules around the code
    :param level: of error correction
    :raise ValueError: the text is too long for a QR code
    """
    code = qrcode.QRCode(border=border, error_correction=LEVELS[level])
    code.add_data(value)
    try:
        code.make(fit=True)
    except qrcode.exceptions.DataOverflowError as error:
        raise ValueError("Cannot convert into QR code.") from error
    rows = code.get_matrix()
    picture = Image.new("1", (len(rows), len(rows)), 1)
    picture.putdata([0 if dark else 1 for row in rows for dark in row])
    side = max(min(width, height), len(rows))
    sheet = Image.new("1", (max(width, side), max(height, side)), 1)
    place = (sheet.width - side) // 2, (sheet.height - side) // 2
    sheet.paste(picture.resize((side, side), Image.Resampling.NEAREST), place)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
