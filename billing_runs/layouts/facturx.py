"""The structured invoice inside the PDF: no ORM.

One pass over a PDF/A-3 that is finished but for it, as Factur-X has it: the file, its relationship to
the document, and the metadata that name it. All that the PDF claims stays true, its tags are not
touched. Any other PDF gets the file alone.
"""

import hashlib
import io
from datetime import datetime, timezone
from importlib.util import find_spec

from lxml import etree

#: of ``pikepdf``, which this was tried with
VERSION = "10.17.0"
#: what readers look for
NAME = "factur-x.xml"
GUIDELINE = (
    "{*}ExchangedDocumentContext/{*}GuidelineSpecifiedDocumentContextParameter/{*}ID"  # BT-24
)
#: how the identifier of a guideline ends: the profile's name in the metadata
PROFILES = {
    ":minimum": "MINIMUM",
    ":basicwl": "BASIC WL",
    ":basic": "BASIC",
    ":extended": "EXTENDED",
}
#: profiles too small to be an invoice: they are data to the PDF, all others say the same as it
DATA_ONLY = ("MINIMUM", "BASIC WL")

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
RESOURCE = {f"{{{RDF}}}parseType": "Resource"}
#: properties of the metadata: what PDF/A readers that do not know them are told
PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters",
    "Version": "The actual version of the standard applying to the embedded XML document",
    "ConformanceLevel": "The conformance level of the embedded XML document",
}


def is_available() -> bool:
    """Return whether ``pikepdf`` can be imported here."""
    return find_spec("pikepdf") is not None


def profile_of(xml: bytes) -> str:
    """Return the profile of a structured invoice, by its name in the metadata."""
    guideline = (etree.fromstring(xml).findtext(GUIDELINE) or "").strip()
    for end, profile in PROFILES.items():
        if guideline.endswith(end):
            return profile
    return "EN 16931"


def embed(pdf: bytes, xml: bytes) -> bytes:
    """Return a PDF/A-3 with a structured invoice in it.

    :param xml: a Cross Industry Invoice
    """
    import pikepdf

    profile = profile_of(xml)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        _enclose(document, xml, "/Data" if profile in DATA_ONLY else "/Alternative")
        metadata = document.Root.Metadata
        metadata.write(describe(metadata.read_bytes(), profile))
        return _written(document)


def attach(pdf: bytes, xml: bytes) -> bytes:
    """Return a PDF of any kind with a structured invoice in it, for those who look for one: the PDF
    claims nothing.

    :param xml: a Cross Industry Invoice
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        _enclose(document, xml, "/Data")
        return _written(document)


def _enclose(document, xml, relation):
    """Put the file into a PDF that is open.

    :param relation: what it is to the document
    """
    import pikepdf

    root = document.Root
    stamp = datetime.now(timezone.utc).strftime("D:%Y%m%d%H%M%SZ")
    file = pikepdf.Stream(
        document,
        xml,
        Type=pikepdf.Name.EmbeddedFile,
        Subtype=pikepdf.Name("/text/xml"),
        Params=pikepdf.Dictionary(
            CreationDate=stamp,
            ModDate=stamp,
            Size=len(xml),
            CheckSum=hashlib.md5(xml, usedforsecurity=False).digest(),
        ),
    )
    entry = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=NAME,
            UF=NAME,
            Desc="Factur-X",
            AFRelationship=pikepdf.Name(relation),
            EF=pikepdf.Dictionary(F=file, UF=file),
        )
    )
    if "/Names" not in root:
        root.Names = pikepdf.Dictionary()
    if "/EmbeddedFiles" in root.Names:
        names = pikepdf.NameTree(root.Names.EmbeddedFiles)
    else:
        names = pikepdf.NameTree.new(document)
        root.Names.EmbeddedFiles = names.obj
    names[NAME] = entry
    if "/AF" in root:
        root.AF.append(entry)
    else:
        root.AF = pikepdf.Array([entry])


def _written(document):
    import pikepdf

    target = io.BytesIO()
    document.save(target, object_stream_mode=pikepdf.ObjectStreamMode.preserve)
    return target.getvalue()


def describe(metadata: bytes, profile: str) -> bytes:
    """Return the metadata of a PDF, saying that it has a structured invoice of a profile.

    :param metadata: XMP
    """
    root = etree.fromstring(metadata)
    rdf = next(root.iter(f"{{{RDF}}}RDF"))
    bag = next(rdf.iter(f"{{{EXTENSION}}}schemas"), None)
    if bag is not None:
        bag = bag.find(f"{{{RDF}}}Bag")
    else:
        names = {"pdfaExtension": EXTENSION, "pdfaSchema": SCHEMA, "pdfaProperty": PROPERTY}
        schemas = etree.SubElement(_about(rdf, names), f"{{{EXTENSION}}}schemas")
        bag = etree.SubElement(schemas, f"{{{RDF}}}Bag")
    names = {"pdfaSchema": SCHEMA, "pdfaProperty": PROPERTY}
    schema = etree.SubElement(bag, f"{{{RDF}}}li", RESOURCE, nsmap=names)
    _text(schema, SCHEMA, "schema", "Factur-X PDFA Extension Schema")
    _text(schema, SCHEMA, "namespaceURI", FX)
    _text(schema, SCHEMA, "prefix", "fx")
    known = etree.SubElement(schema, f"{{{SCHEMA}}}property")
    known = etree.SubElement(known, f"{{{RDF}}}Seq")
    for name, description in PROPERTIES.items():
        item = etree.SubElement(known, f"{{{RDF}}}li", RESOURCE)
        _text(item, PROPERTY, "name", name)
        _text(item, PROPERTY, "valueType", "Text")
        _text(item, PROPERTY, "category", "external")
        _text(item, PROPERTY, "description", description)
    facts = _about(rdf, {"fx": FX})
    _text(facts, FX, "DocumentType", "INVOICE")
    _text(facts, FX, "DocumentFileName", NAME)
    _text(facts, FX, "Version", "1.0")
    _text(facts, FX, "ConformanceLevel", profile)
    return etree.tostring(root.getroottree(), encoding="UTF-8")


def _about(rdf, names):
    return etree.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""}, nsmap=names)


def _text(parent, namespace, name, text):
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = text
