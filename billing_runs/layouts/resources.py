"""What reports refer to by address, read from where Odoo has it and never by HTTP."""

import base64
import functools
import hashlib
import io
import logging
import re
from collections import OrderedDict
from urllib.parse import parse_qsl, unquote, urlsplit

from PIL import Image, UnidentifiedImageError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tools import config
from odoo.tools.image import image_process
from odoo.tools.mimetypes import guess_mimetype
from odoo.tools.misc import file_path

from odoo.addons.web.controllers.binary import Binary
from odoo.addons.web.controllers.report import ReportController

from .css import Stylesheet, is_from_left, replace_urls
from .fonts import find_files, make_known
from .images import LARGEST_PIXELS, LOGO_PIXELS

_logger = logging.getLogger(__name__)

#: in the place of a picture that there is none of
BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
#: letters of a picture's address from which on its size is looked at
LARGE = 120_000
#: pixels of a picture on a whole page
PAGE_PIXELS = (1700, 2400)
ASSET = re.compile(r"/web/assets/[^?#]+/([^/?#]+)")
#: parsed stylesheets by database and address, which says their content
_STYLESHEETS = OrderedDict()
_MOST_STYLESHEETS = 16
#: pictures in the size that print can show, by what they were
_SCALED = OrderedDict()
_MOST_SCALED = 16


@functools.cache
def _routes():
    """Return Odoo's own routes to pictures, files and barcodes."""
    rules = []
    for endpoint, function in (
        ("image", Binary.content_image),
        ("content", Binary.content_common),
        ("barcode", ReportController.report_barcode),
    ):
        rules += [Rule(route, endpoint=endpoint) for route in function.original_routing["routes"]]
    return Map(rules).bind("odoo")


class Resources:
    """What the reports of one batch refer to."""

    def __init__(self, env):
        self.env = env
        parameters = env["ir.config_parameter"].sudo()
        self._hosts = {
            urlsplit(address).netloc
            for address in map(parameters.get_param, ("web.base.url", "report.url"))
            if address
        }
        self._read = {}

    # === STYLES AND FONTS === #

    def stylesheet(self, address) -> Stylesheet:
        """Return the stylesheet behind an address, parsed."""
        key = (self.env.cr.dbname, address)
        found = _STYLESHEETS.get(key)
        if found is None:
            text = self._css(address)
            # Odoo has no right-to-left styles where the server lacks rtlcss.
            mirrored = ".rtl." in address and is_from_left(text)
            found = _STYLESHEETS[key] = Stylesheet(text, mirrored)
            while len(_STYLESHEETS) > _MOST_STYLESHEETS:
                _STYLESHEETS.popitem(last=False)
        return found

    def _css(self, address):
        path = self._own_path(address)
        match = path and ASSET.fullmatch(path)
        if not match:
            content = path and self._static(path)
            return content.decode("utf-8", "replace") if content else ""
        attachment = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("url", "=", path),
                    ("public", "=", True),
                    ("res_model", "=", "ir.ui.view"),
                    ("res_id", "=", 0),
                    ("create_uid", "=", SUPERUSER_ID),
                ],
                limit=1,
            )
        )
        if not attachment:
            bundle, rtl, _kind, autoprefix = self.env["ir.asset"]._parse_bundle_name(
                match[1], debug_assets=False
            )
            attachment = (
                self.env["ir.qweb"]
                ._get_asset_bundle(bundle, css=True, js=False, rtl=rtl, autoprefix=autoprefix)
                .css()
            )
        return (attachment.sudo().raw or b"").decode("utf-8", "replace")

    def css(self, addresses, names) -> str:
        """Return what stylesheets say about things with these names, nothing left to fetch."""
        found = "\n".join(self.stylesheet(address).cut(names) for address in addresses)
        _known, unknown = self._faces(addresses)
        brought = [face.text for face in unknown if face.family and face.family in found]
        return replace_urls("\n".join([*self._fetchable(brought), found]), self.data_uri)

    def _fetchable(self, faces):
        """Leave out web fonts of other servers, the system's own take their place."""
        return [face for face in faces if "//" not in face.replace("data:", "")]

    def _faces(self, addresses):
        faces = dict.fromkeys(
            face for address in addresses for face in self.stylesheet(address).faces
        )
        return find_files(faces, self._static_file)

    def fonts(self, addresses) -> str:
        """Return the ``fonts.conf`` that makes the fonts of stylesheets known."""
        known, _unknown = self._faces(addresses)
        return make_known(known, config["data_dir"])

    # === PICTURES === #

    def data_uri(self, address) -> str | None:
        """Return what is behind an address as an address that holds it, None where there is
        nothing to be had without asking another server."""
        if address not in self._read:
            self._read[address] = self._as_data(address)
            if not self._read[address]:
                _logger.warning("%s is left out of what is printed.", address[:200])
        return self._read[address]

    def _as_data(self, address):
        if address.startswith("data:"):
            return address
        path = self._own_path(address)
        if not path:
            return None
        try:
            content, mimetype = self._static(path), None
            if content is None:
                content, mimetype = self._served(path, urlsplit(address).query)
        except (HTTPException, UserError, ValueError, TypeError, OSError) as error:
            _logger.info("%s: %s", address[:200], error)
            return None
        if not content:
            return None
        mimetype = mimetype or guess_mimetype(content)
        return f"data:{mimetype};base64,{base64.b64encode(content).decode()}"

    def _own_path(self, address):
        """Return the path of an address on this server, None for one elsewhere."""
        parts = urlsplit(address)
        if parts.netloc and parts.netloc not in self._hosts:
            return None
        return unquote(parts.path) if parts.path.startswith("/") else None

    def _static_file(self, address):
        path = self._own_path(address)
        if not path or "/static/" not in path:
            return None
        try:
            return file_path(path.lstrip("/"))
        except (FileNotFoundError, ValueError):
            return None

    def _static(self, path):
        file = self._static_file(path)
        if not file:
            return None
        with open(file, "rb") as content:
            return content.read()

    def _served(self, path, query):
        """Return ``(content, type)`` of what Odoo's own routes give the same user."""
        endpoint, values = _routes().match(path)
        values = {**dict(parse_qsl(query)), **values}
        if endpoint == "barcode":
            kind, value = values.pop("barcode_type"), values.pop("value")
            return self.env["ir.actions.report"].barcode(kind, value, **values), "image/png"
        field = values.get("field", "raw")
        record = self.env["ir.binary"]._find_record(
            values.get("xmlid"),
            values.get("model", "ir.attachment"),
            values.get("id") and int(values["id"]),
            values.get("access_token"),
            field=field,
        )
        content = record.with_context(bin_size=False)[field]
        if record._fields[field].type == "binary" and field != "raw":
            content = base64.b64decode(content or b"")
        size = int(values.get("width", 0)), int(values.get("height", 0))
        if content and endpoint == "image" and any(size):
            content = image_process(content, size=size, crop=bool(values.get("crop")))
        return content, record.mimetype if record._name == "ir.attachment" else None


def scaled(address: str, logo: bool) -> str:
    """Return a picture that is larger than print can show in a smaller size.

    :param bool logo: whether it stands in a header or footer, and not on the whole page
    """
    key = (hashlib.sha256(address.encode()).digest(), logo)
    found = _SCALED.get(key)
    if found is None:
        found = _SCALED[key] = _scaled(address, logo)
        while len(_SCALED) > _MOST_SCALED:
            _SCALED.popitem(last=False)
    return found


def _scaled(address, logo):
    head, _comma, data = address.partition(";base64,")
    if head not in ("data:image/png", "data:image/jpeg", "data:image/jpg", "data:image/webp"):
        return address
    limit = LOGO_PIXELS if logo else PAGE_PIXELS
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            if image.width <= limit[0] and image.height <= limit[1]:
                return address
            if image.width * image.height > LARGEST_PIXELS:
                return BLANK
            kind = image.format
            image.draft("RGB", limit)
            if image.mode == "P":
                image = image.convert("RGBA")
            image.thumbnail(limit)
            target = io.BytesIO()
            image.save(target, format=kind, quality=90)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return address
    return f"{head};base64,{base64.b64encode(target.getvalue()).decode()}"
