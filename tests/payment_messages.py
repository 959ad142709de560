"""Messages as banks send them, made from a few words."""


def pain_002(
    rows=(), message="", group="", block=None, reason="", account="DE89370400440532013000"
):
    """Return a status report: of single collections, of a block, or of a whole file."""
    status = f"<GrpSts>{group}</GrpSts>" if group else ""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason and not rows else ""
    parts = ""
    if block:
        parts = (
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{block}</OrgnlPmtInfId>"
            f"<PmtInfSts>RJCT</PmtInfSts>{why}</OrgnlPmtInfAndSts>"
        )
        why = ""
    for reference, code, amount in rows:
        parts += (
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>x</OrgnlPmtInfId><TxInfAndSts>"
            f"<OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
            f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf><OrgnlTxRef>"
            f'<Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt>'
            f"<CdtrAcct><Id><IBAN>{account}</IBAN></Id></CdtrAcct>"
            "</OrgnlTxRef></TxInfAndSts></OrgnlPmtInfAndSts>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>B1</MsgId><CreDtTm>2026-03-17T08:00:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>{status}{why}</OrgnlGrpInfAndSts>"
        f"{parts}</CstmrPmtStsRpt></Document>"
    ).encode()


def camt(
    rows,
    kind="camt.053",
    account="DE89370400440532013000",
    version="08",
    creditor="",
    status="BOOK",
):
    """Return a statement or a notification with the returns ``(reference, code, amount, fee)``, all
    in one entry."""
    tags = {"camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}
    body, report = tags[kind]
    who = f"<RltdPties><Cdtr><Pty><Id><PrvtId><Othr><Id>{creditor}</Id></Othr></PrvtId></Id></Pty></Cdtr></RltdPties>"
    details, total = "", 0
    for reference, code, amount, fee in rows:
        charges = (
            f'<Chrgs><Rcrd><Amt Ccy="EUR">{fee}</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>'
            if fee
            else ""
        )
        total += amount + fee
        details += (
            f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
            f'<Amt Ccy="EUR">{amount + fee}</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
            f'<AmtDtls><InstdAmt><Amt Ccy="EUR">{amount}</Amt></InstdAmt></AmtDtls>{charges}'
            f"{who if creditor else ''}"
            f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>Note</AddtlInf></RtrInf></TxDtls>"
        )
    state = f"<Sts><Cd>{status}</Cd></Sts>" if version == "08" else f"<Sts>{status}</Sts>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version}"><{body}>'
        f"<GrpHdr><MsgId>B2</MsgId></GrpHdr><{report}><Id>1</Id>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>"
        f'<Ntry><Amt Ccy="EUR">{total}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{state}'
        "<BookgDt><Dt>2026-03-18</Dt></BookgDt>"
        f"<NtryDtls>{details}</NtryDtls></Ntry></{report}></{body}></Document>"
    ).encode()
