"""``make demo``: the whole suite with sample data, in front, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from deploy import refusal, samples
from deploy.children import Child, StartFailed
from deploy.demo import espace_famille, voisins
from deploy.places import PortTaken
from deploy.plan import LAST_PORT, SPAN, Plan
from deploy.supervisor import Supervisor, explain, running
from deploy.virus_signatures import fresh_signatures

_LOWEST_PORT = 1024


def main() -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--port", default="8080")
    parser.add_argument("--dossier", type=Path, default=Path("var/demo"))
    parser.add_argument(
        "--antivirus", choices=("local", "complet"), default="complet",
        help="complet: fetch the real signatures in the background (300 MB, 1.3 GB of memory)",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        base = _port(options.port)
    except refusal.Refusal as error:
        error.say()
        return 1
    plan = Plan(folder=options.dossier.resolve(), base=base)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    say(f"Espace citoyen : données et journaux · data and logs: {plan.folder}")
    try:
        with running(Supervisor(plan, say)) as supervisor, voisins.running(plan):
            passwords = samples.load(plan.folder, supervisor.all_settings, plan.log("echantillon"))
            passwords[voisins.TAX_EMAIL] = voisins.load(plan, supervisor.all_settings["identite"])
            updater = _updater(options.antivirus, supervisor)
            _welcome(supervisor, passwords, time.monotonic() - began)
            try:
                supervisor.keep()
            finally:
                if updater is not None:
                    updater.stop()
    except KeyboardInterrupt:
        print("\nArrêté · Stopped", flush=True)
        return 0
    except (PortTaken, StartFailed, refusal.Refusal, OSError) as error:
        return explain(error, base)
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not _LOWEST_PORT <= int(text) <= LAST_PORT - SPAN:
        highest = LAST_PORT - SPAN
        raise refusal.Refusal(
            f"PORT={text} : un nombre de {_LOWEST_PORT} à {highest} est attendu.",
            f"PORT={text}: a number from {_LOWEST_PORT} to {highest} is expected.",
        )
    return int(text)


def _updater(antivirus: str, supervisor: Supervisor) -> Child | None:
    if antivirus == "local":
        return None
    return fresh_signatures(supervisor.components.clamav, supervisor.plan.log("freshclam"))


def _welcome(supervisor: Supervisor, passwords: dict[str, str], seconds: float) -> None:
    plan, components = supervisor.plan, supervisor.components
    card = samples.PLASTIC_CARD
    width = max(len(account.email) for account in samples.ACCOUNTS)
    lines = [
        "",
        f"Prêt : {plan.url}",
        "",
        f"  démarré en · started in : {seconds:.1f} s",
        f"  courriels · mailbox     : {components.mailbox.api_url}",
        f"  personnel · back office : {plan.url}/agents/",
        f"  journaux · logs         : {plan.logs}",
        "",
        "  Comptes de démonstration · Demo accounts",
        *(
            f"    {account.email:{width}}  {passwords[account.email]:38}  {account.who}"
            for account in samples.ACCOUNTS
        ),
        (
            f"    {voisins.TAX_EMAIL:{width}}  {passwords[voisins.TAX_EMAIL]:38}"
            "  compte de taxes importé · imported tax account"
        ),
        "",
        (f"  carte à associer · card to join : {card.number}, {card.born}, {card.postal_code}"),
        f"  Espace Famille : {espace_famille.SAMPLE_CODE}, {espace_famille.SAMPLE_PASSWORD}",
        "",
    ]
    lines += [
        "  Ici seulement, le personnel entre sans second facteur; on peut en ajouter un à",
        "  Sécurité, à l’adresse localhost pour une clé d’accès · here only, staff log in without",
        "  a second factor; add one under Security, at localhost for a passkey",
        "",
    ]
    if not components.clamav.has_real_signatures:
        lines += [
            "  Antivirus : seul le fichier d’essai EICAR est reconnu tant que les signatures de",
            "  ClamAV ne sont pas téléchargées · only the EICAR test file is known until ClamAV’s",
            "  signatures are downloaded",
            "",
        ]
    lines.append("  Ctrl-C arrête tout · stops everything")
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
