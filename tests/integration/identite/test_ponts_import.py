"""Imports of other systems' accounts and contacts on the real database (IDN-08, 09, 10)."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chassis import db
from services.identite.domain.ponts import FichierInattendu, ImportEnCours, ImportInconnu, Source
from services.identite.persistence import imports
from services.identite.use_cases.ponts import importation, lecture, verdicts
from services.identite.use_cases.ponts.entretien import oublier_heritage
from services.identite.use_cases.ponts.importation import annuler_import
from tests.kit.identite import une_demande_de_compte
from tests.kit.ponts import (
    ecrire,
    importer_fichier,
    un_compte_de_loisirs,
    un_compte_de_taxes,
    un_contact,
)

pytestmark = [pytest.mark.integration, pytest.mark.exigence("IDN-08")]


def taxes(chemin, *lignes):
    return ecrire(chemin / f"{uuid4()}.csv", Source.TAXES, lignes)


def regles(bilan):
    return {each.ligne: each.regle for each in bilan.collisions}


def test_a_tax_account_becomes_an_account_with_its_hash_enveloped(identite, tmp_path):
    ligne = un_compte_de_taxes()
    bilan = importer_fichier(identite, taxes(tmp_path, ligne))
    assert (bilan.lignes, bilan.collisions) == (1, [])
    (compte,) = identite.lignes("SELECT * FROM compte")
    assert (compte.courriel, compte.nom_utilisateur) == ("zoe.tremblay@exemple.ca", "zoe.t")
    assert (compte.statut, compte.active_le) == ("ACTIF", None)
    assert (compte.categories, compte.canaux) == ([], ["courriel"])
    assert compte.mot_de_passe.startswith("$heritee$")
    assert ligne["empreinte"] not in compte.mot_de_passe
    (lien,) = identite.lignes("SELECT * FROM compte_externe")
    assert (lien.source, lien.reference, lien.etat) == ("taxes", "M-0001", "LIE")
    (evenement,) = identite.evenements("contacts_importes.v1")
    assert evenement["nombre"] == 1
    assert "zoe" not in str(evenement)


def test_a_dry_run_tells_all_and_writes_nothing(identite, tmp_path):
    identite.un_compte()
    fichier = taxes(
        tmp_path,
        un_compte_de_taxes(prenom="Luc"),
        un_compte_de_taxes(reference="M-2", courriel="b@exemple.ca", nom_utilisateur="b.b"),
        un_compte_de_taxes(reference="M-3", courriel="B@Exemple.ca", nom_utilisateur=""),
    )
    avant = identite.lignes("SELECT id FROM compte")
    essai = importer_fichier(identite, fichier, essai=True)
    assert identite.lignes("SELECT id FROM compte") == avant
    assert identite.lignes("SELECT 1 FROM importation") == []
    assert identite.evenements("contacts_importes.v1") == []
    vrai = importer_fichier(identite, fichier)
    assert regles(essai) == regles(vrai) == {2: "PERSONNE_DIFFERENTE", 4: "COURRIEL_EN_DOUBLE"}
    assert essai.nombres == vrai.nombres


def test_each_collision_has_its_rule(identite, tmp_path):
    identite.un_compte(courriel="a@exemple.ca", nom_utilisateur="pris")
    identite.inscrire(courriel="attend@exemple.ca", nom_utilisateur="")
    loisirs = ecrire(
        tmp_path / "l.csv", Source.LOISIRS, [un_compte_de_loisirs(courriel="deux@exemple.ca")]
    )
    importer_fichier(identite, loisirs, Source.LOISIRS)
    bilan = importer_fichier(
        identite,
        taxes(
            tmp_path,
            un_compte_de_taxes(reference="1", courriel="a@exemple.ca", nom_utilisateur=""),
            un_compte_de_taxes(reference="2", courriel="p@exemple.ca", nom_utilisateur="PRIS"),
            un_compte_de_taxes(reference="3", courriel="attend@exemple.ca", nom_utilisateur=""),
            un_compte_de_taxes(reference="4", courriel="deux@exemple.ca", nom_utilisateur=""),
            un_compte_de_taxes(reference="5", courriel="v@exemple.ca", nom_utilisateur="Zoé T"),
            un_compte_de_taxes(reference="6", courriel="s@exemple.ca", nom_utilisateur="s.s",
                               empreinte=""),
            un_compte_de_taxes(reference="7", courriel="d@exemple.ca", nom_utilisateur="",
                               actif="non"),
        ),
    )  # fmt: skip
    assert regles(bilan) == {
        2: "COMPTE_EXISTANT",
        3: "NOM_UTILISATEUR_PRIS",
        4: "INSCRIPTION_NON_CONFIRMEE",
        5: "TAXES_PRIME",
        6: "NOM_UTILISATEUR_REFUSE",
        7: "SANS_MOT_DE_PASSE",
        8: "SANS_MOT_DE_PASSE",
    }
    assert bilan.nombres["OUVERT"] == 6
    (repris,) = identite.lignes("SELECT * FROM compte WHERE courriel = 'attend@exemple.ca'")
    assert repris.statut == "ACTIF"
    assert identite.lignes("SELECT 1 FROM compte_externe WHERE etat = 'EN_ATTENTE'") == [(1,)] * 2


MAUVAISES = {
    "courriel": "pas une adresse",
    "prenom": "",
    "nom": "<script>",
    "date_naissance": "31/12/1980",
    "telephone": "911",
    "empreinte": "5f4dcc3b5aa765d61d8327deb882cf99",
    "langue": "de",
    "reference": "x" * 65,
    "adresse_code_postal": "00000",
}


@pytest.mark.parametrize(("champ", "valeur"), MAUVAISES.items())
def test_a_malformed_row_stops_itself_alone(identite, tmp_path, champ, valeur):
    bilan = importer_fichier(
        identite,
        taxes(
            tmp_path,
            un_compte_de_taxes(reference="1", courriel="a@exemple.ca", nom_utilisateur=""),
            un_compte_de_taxes(**{champ: valeur}),
            un_compte_de_taxes(reference="3", courriel="c@exemple.ca", nom_utilisateur=""),
        ),
    )
    (collision,) = bilan.collisions
    assert (collision.ligne, collision.regle) == (3, "LIGNE_INVALIDE")
    assert collision.detail.startswith(f"{champ}=")
    assert len(identite.lignes("SELECT 1 FROM compte")) == 2


@pytest.mark.parametrize(
    "ligne",
    [b"M-9;trop;peu\n", b'M-9,"guillemet ouvert\n', b"M-9,\xff\xfe,a,b,c,,,,,,,,\n", b"\x00\n",
     b"M-9," + b"x" * 100_000 + b",,,,,,,,,,,\n"],
)  # fmt: skip
def test_what_is_no_csv_is_a_malformed_row(identite, tmp_path, ligne):
    fichier = taxes(tmp_path, un_compte_de_taxes())
    fichier.write_bytes(fichier.read_bytes() + ligne)
    bilan = importer_fichier(identite, fichier)
    assert list(regles(bilan).values()) == ["LIGNE_INVALIDE"]
    assert len(identite.lignes("SELECT 1 FROM compte")) == 1


def test_a_file_of_another_kind_is_refused(identite, tmp_path):
    fichier = ecrire(tmp_path / "x.csv", Source.URGENCES, [un_contact()])
    with pytest.raises(FichierInattendu) as refus:
        importer_fichier(identite, fichier)
    assert "courriel" in refus.value.manquantes


def test_the_same_file_and_the_same_account_change_nothing_twice(identite, tmp_path):
    fichier = taxes(tmp_path, un_compte_de_taxes())
    premier = importer_fichier(identite, fichier)
    encore = importer_fichier(identite, fichier)
    assert (encore.deja_fait, encore.importation_id) == (True, premier.importation_id)
    autre = taxes(
        tmp_path,
        un_compte_de_taxes(courriel="change@exemple.ca"),
        un_compte_de_taxes(reference="M-2", courriel="z@exemple.ca", nom_utilisateur=""),
    )
    bilan = importer_fichier(identite, autre)
    assert (bilan.nombres["DEJA_IMPORTE"], bilan.nombres["OUVERT"]) == (1, 1)
    assert len(identite.lignes("SELECT 1 FROM compte")) == 2


def test_an_import_goes_on_where_it_died(identite, tmp_path, monkeypatch):
    monkeypatch.setattr(lecture, "PAQUET", 10)
    lignes = [
        un_compte_de_taxes(reference=f"R{i}", courriel=f"p{i}@exemple.ca", nom_utilisateur="")
        for i in range(35)
    ]
    lignes[30] |= {"courriel": "P3@exemple.ca"}
    fichier = taxes(tmp_path, *lignes)
    vrai, compte = imports.avancer, []

    def meurt(*args, **autres):
        compte.append(1)
        if len(compte) == 3:
            raise ConnectionError("killed")
        return vrai(*args, **autres)

    monkeypatch.setattr(imports, "avancer", meurt)
    with pytest.raises(ConnectionError):
        importer_fichier(identite, fichier)
    assert len(identite.lignes("SELECT 1 FROM compte")) == 20
    monkeypatch.setattr(imports, "avancer", vrai)
    vus = []
    bilan = importer_fichier(identite, fichier, progres=lambda n, part: vus.append((n, part)))
    assert bilan.nombres["OUVERT"] == 34
    assert bilan.lignes == 35
    assert regles(bilan) == {32: "COURRIEL_EN_DOUBLE"}
    assert vus[0][0] == 31
    assert vus[-1] == (36, 1.0)


def test_two_imports_never_run_at_once(identite, tmp_path):
    fichier = taxes(tmp_path, un_compte_de_taxes())
    with (
        imports.session_d_import(identite.engine, verrou=True),
        pytest.raises(ImportEnCours),
    ):
        importer_fichier(identite, fichier)
    assert importer_fichier(identite, fichier).nombres["OUVERT"] == 1


def test_a_sign_up_with_the_same_e_mail_during_the_import_wins_or_loses_whole(
    identite, tmp_path, monkeypatch
):
    """Between the look and the write somebody confirms an account: the row waits for them."""
    vrai, fois = verdicts.juger, list[int]()

    def juger(*args):
        jugement = vrai(*args)
        if not fois:
            fois.append(1)
            identite.un_compte(nom_utilisateur="")
        return jugement

    monkeypatch.setattr(importation, "juger", juger)
    bilan = importer_fichier(identite, taxes(tmp_path, un_compte_de_taxes()))
    assert regles(bilan) == {2: "COMPTE_EXISTANT"}
    (compte,) = identite.lignes("SELECT mot_de_passe FROM compte")
    assert compte.mot_de_passe.startswith("$argon2id$")
    (lien,) = identite.lignes("SELECT etat, compte_id FROM compte_externe")
    assert (lien.etat, lien.compte_id) == ("EN_ATTENTE", None)


def test_many_sign_ups_race_with_an_import(identite, tmp_path):
    fichier = taxes(
        tmp_path,
        *(
            un_compte_de_taxes(reference=f"R{i}", courriel=f"p{i}@exemple.ca", nom_utilisateur="")
            for i in range(300)
        ),
    )

    def inscrire():
        for i in range(0, 300, 60):
            identite.appeler(
                "CreerCompte",
                une_demande_de_compte(courriel=f"p{i}@exemple.ca", nom_utilisateur=""),
            )

    fil = threading.Thread(target=inscrire)
    fil.start()
    importer_fichier(identite, fichier)
    fil.join()
    assert len(identite.lignes("SELECT 1 FROM compte")) == 300
    assert len(identite.lignes("SELECT 1 FROM compte_externe")) == 300


@pytest.mark.exigence("IDN-13")
def test_a_sign_up_with_an_imported_e_mail_is_told_to_the_mailbox_alone(identite, tmp_path):
    importer_fichier(identite, taxes(tmp_path, un_compte_de_taxes()))
    reponse = identite.appeler("CreerCompte", une_demande_de_compte(nom_utilisateur=""))
    inconnue = identite.appeler(
        "CreerCompte", une_demande_de_compte(courriel="x@exemple.ca", nom_utilisateur="")
    )
    assert reponse == inconnue
    assert [c["adresse"] for c in identite.courriels("deja_inscrit")] == ["zoe.tremblay@exemple.ca"]
    assert len(identite.lignes("SELECT 1 FROM compte")) == 2


def test_undo_deletes_what_nobody_used_and_keeps_the_rest(identite, tmp_path):
    bilan = importer_fichier(
        identite,
        taxes(
            tmp_path,
            un_compte_de_taxes(),
            un_compte_de_taxes(reference="M-2", courriel="b@exemple.ca", nom_utilisateur=""),
        ),
    )
    assert bilan.importation_id is not None
    identite.ecrire("UPDATE compte_externe SET premiere_connexion_le = now() WHERE reference='M-2'")
    fait = annuler_import(
        engine=identite.engine,
        importation_id=bilan.importation_id,
        maintenant=identite.horloge(),
    )
    assert (fait.retires, fait.gardes) == (1, 1)
    assert [c.courriel for c in identite.lignes("SELECT courriel FROM compte")] == ["b@exemple.ca"]
    assert len(identite.evenements("importation_annulee.v1")) == 1
    with pytest.raises(ImportInconnu):
        annuler_import(
            engine=identite.engine,
            importation_id=bilan.importation_id,
            maintenant=identite.horloge(),
        )


@pytest.mark.exigence("IDN-10")
def test_old_emergency_contacts_come_without_an_account(identite, tmp_path):
    identite.un_compte()
    fichier = ecrire(
        tmp_path / "u.csv",
        Source.URGENCES,
        [
            un_contact(),
            un_contact(reference="U-2", coordonnee="(450) 434-4440"),
            un_contact(reference="U-3", canal="courriel", coordonnee="Vieux@exemple.ca"),
            un_contact(reference="U-4", canal="courriel", coordonnee="zoe.tremblay@exemple.ca"),
            un_contact(reference="U-5", canal="pigeon"),
        ],
    )
    bilan = importer_fichier(identite, fichier, Source.URGENCES)
    assert regles(bilan) == {
        3: "COORDONNEE_EN_DOUBLE",
        5: "DEJA_ABONNE",
        6: "LIGNE_INVALIDE",
    }
    assert len(identite.lignes("SELECT 1 FROM compte")) == 1
    contacts = identite.lignes("SELECT canal, coordonnee FROM contact_urgence ORDER BY canal")
    assert [tuple(c) for c in contacts] == [
        ("courriel", "vieux@exemple.ca"),
        ("telephone", "+14504344440"),
    ]


def test_hashes_and_reports_are_forgotten_after_the_delay(identite, tmp_path):
    importer_fichier(
        identite, taxes(tmp_path, un_compte_de_taxes(), un_compte_de_taxes(reference="2"))
    )
    oublier: dict[str, Any] = {
        "sessions": db.make_sessions(identite.engine),
        "retention": timedelta(days=90),
    }
    assert oublier_heritage(**oublier, maintenant=identite.horloge() + timedelta(days=89)) == 0
    assert len(identite.lignes("SELECT 1 FROM collision")) == 1
    assert oublier_heritage(**oublier, maintenant=identite.horloge() + timedelta(days=91)) == 1
    (compte,) = identite.lignes("SELECT mot_de_passe FROM compte")
    assert compte.mot_de_passe == "$aucun$"
    assert identite.lignes("SELECT 1 FROM collision") == []


def test_a_hundred_thousand_rows_in_little_time(identite, tmp_path):
    gros: Path = tmp_path / "gros.csv"
    modele = un_compte_de_taxes(
        reference="{0}", courriel="p{0}@exemple.ca", nom_utilisateur="n.{0}"
    )
    entete, ligne, *_ = taxes(tmp_path, modele).read_text(encoding="utf-8").splitlines()
    gros.write_text(
        "\n".join([entete, *(ligne.replace("{0}", str(i)) for i in range(100_000))]),
        encoding="utf-8",
    )
    bilan = importer_fichier(identite, gros)
    assert (bilan.lignes, bilan.nombres["OUVERT"], bilan.collisions) == (100_000, 100_000, [])
    (nombre,) = identite.lignes("SELECT count(*) AS n FROM compte")
    assert nombre.n == 100_000
