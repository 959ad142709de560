"""Compiles Typst documents that its parent sends through a pipe, one after the other.

Started by ``typst_pool``, as a program of its own that imports nothing of Odoo. It has limits of
memory and file size, no network where the system lets it give that up, and a folder that holds
what documents may read. It ends when the parent does, or when nothing came for a while.
"""

import base64
import ctypes
import json
import os
import resource
import select
import shutil
import struct
import sys

#: seconds without a document after which the process ends
IDLE = 120
#: documents after which the process makes room for a fresh one
DOCUMENTS = 500
#: the file with the data
DATA = "data.json"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def give_up_network() -> None:
    """Leave the network, where the system allows it; a proxy that is not there does the rest."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = "http://127.0.0.1:9"
    os.environ.pop("NO_PROXY", None)
    os.environ.pop("no_proxy", None)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    except (OSError, AttributeError):
        return  # not Linux


def read_exactly(stream, size: int) -> bytes | None:
    """Return ``size`` bytes, None at the end of the stream."""
    data = stream.read(size)
    return data if len(data) == size else None


def answer(stream, head: dict, body: bytes = b"") -> None:
    """Send a head as JSON and a body, both with their sizes before them."""
    text = json.dumps(head).encode()
    stream.write(struct.pack(">II", len(text), len(body)) + text + body)
    stream.flush()


def put_files(root: str, job: dict) -> None:
    """Put the files of a document, and no others, into the root; their names never contain a
    folder. A name says nothing about the content: each bill has its own QR code.

    The data are a file as well: what comes as an input makes Typst forget all that it worked out
    for the document before.
    """
    shutil.rmtree(root)
    os.mkdir(root, 0o700)
    contents = {name: base64.b64decode(content) for name, content in job["files"].items()}
    for name, content in (contents | {DATA: job["data"].encode()}).items():
        with open(os.path.join(root, os.path.basename(name)), "wb") as file:
            file.write(content)


def compile_document(typst, compiler, root: str, job: dict) -> tuple[dict, bytes]:
    """Return the head and the body of the answer to a job."""
    put_files(root, job)
    try:
        content = compiler.compile(
            job["main"].encode(),
            format=job.get("format", "pdf"),
            ppi=job.get("ppi"),
            # Templates may ask for them in this way as well, which takes longer.
            sys_inputs={"data": job["data"]} if "sys.inputs" in job["main"] else {},
            pdf_standards=job["standards"],
            timestamp=job["timestamp"],
            pdf_tags=job.get("tags", True),
        )
    except typst.TypstError as error:
        return {"error": error.message, "diagnostic": error.diagnostic}, b""
    pages = content if isinstance(content, list) else [content]
    return {"sizes": [len(page) for page in pages]}, b"".join(pages)


def main(options: dict) -> None:
    """Answer jobs until there are none."""
    give_up_network()
    allowed = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = options["memory"]
    memory = memory if allowed == resource.RLIM_INFINITY else min(memory, allowed)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 27, 1 << 27))
    sys.path.append(options["path"])
    import typst  # after the limits

    root = options["root"]
    try:
        nowhere = os.path.join(root, "packages")
        compiler = typst.Compiler(
            root=root,
            font_paths=typst.Fonts(font_paths=options["fonts"]),
            package_path=nowhere,
            package_cache_path=nowhere,
        )
        source, target = sys.stdin.buffer, sys.stdout.buffer
        for _number in range(DOCUMENTS):
            if not select.select([source], [], [], IDLE)[0]:
                return
            size = read_exactly(source, 4)
            text = size and read_exactly(source, struct.unpack(">I", size)[0])
            if not text:
                return
            answer(target, *compile_document(typst, compiler, root, json.loads(text)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
