"""Why a carrier's server cannot be worked with, in words for people."""


def remote_text(env, code: str, values: dict) -> str:
    """Return the sentence for a ``RemoteProblem``."""
    return _TEXTS[code](env, values)


_TEXTS = {
    "refused": lambda env, v: env._("The server is not called: %s.", v["why"]),
    "no_connection": lambda env, v: env._(
        "No connection to %(host)s: %(why)s. It is tried again later.", **v
    ),
    "too_slow": lambda env, v: env._(
        "%s did not come to an end in time. Nothing of what it was sending was kept.", v["host"]
    ),
    "silent": lambda env, v: env._("%s does not answer any more.", v["host"]),
    "broke_off": lambda env, v: env._("The conversation with %(host)s broke off: %(why)s.", **v),
    "said_no": lambda env, v: env._(
        "%(host)s refuses: %(why)s. Check the folders and the user's rights there.", **v
    ),
    "login": lambda env, v: env._(
        "%s does not let us in. Check the user name, and the password or key.", v["host"]
    ),
    "certificate": lambda env, v: env._(
        "The certificate of %(host)s is not trusted: %(why)s. If it is the carrier's own, enter it on"
        " the carrier.",
        **v,
    ),
    "no_host_key": lambda env, v: env._(
        "The key of %s is not known. Read it on the carrier, compare it with what the carrier says,"
        " and save it.",
        v["host"],
    ),
    "other_host_key": lambda env, v: env._(
        "%(host)s has another key than the one on the carrier, so it may be another server. Ask the"
        " carrier whether it was changed; it is now: %(key)s",
        **v,
    ),
    "bad_key": lambda env, v: env._(
        "The private key cannot be read: it is an OpenSSH key without a passphrase."
    ),
    "no_library": lambda env, v: env._(
        "SFTP needs the Python package %s. Install it on the server.", v["package"]
    ),
    "too_large": lambda env, v: env._(
        "%(name)s on the server is larger than %(limit)s MB. Raise the limit in Settings, or have it"
        " split.",
        **v,
    ),
}
