"""Real sample files, made by the libraries that make such files, and the hostile ones beside them.

Every maker returns bytes. `GPS` and `AUTEUR` are canaries: what a clean file must not hold.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

from PIL import ExifTags, Image, ImageCms, ImageDraw, PngImagePlugin

GPS = "45.6366N 73.8283W"
AUTEUR = "Canari Tremblay"
TOURNEE = 6  # EXIF orientation: the camera was held upright, the sensor lies on its side

# The file that every antivirus must find (EICAR, 2006), in two halves so that none finds this one.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def une_photo(
    *, largeur: int = 640, hauteur: int = 480, orientation: int = TOURNEE, graine: int = 1
) -> bytes:
    """A JPEG as a telephone writes it: EXIF with GPS, author and thumbnail, lying on its side.

    The top left corner of the sensor's picture is red, the rest is noise over a gradient.
    """
    image = _paysage(largeur, hauteur, graine)
    ImageDraw.Draw(image).rectangle((0, 0, largeur // 4, hauteur // 4), fill=(220, 10, 10))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Essai"
    exif[ExifTags.Base.Artist] = AUTEUR
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = "2026:03:02 10:00:00"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (45.0, 38.0, 11.8)
    gps[ExifTags.GPS.GPSMapDatum] = GPS
    sortie = io.BytesIO()
    image.save(sortie, format="JPEG", quality=88, exif=exif, comment=AUTEUR.encode())
    return sortie.getvalue()


def une_photo_rafale() -> bytes:
    """A JPEG of two pictures (MPO), as telephones write for depth or brightness."""
    premiere, seconde = _paysage(320, 240, 2), _paysage(160, 120, 3)
    sortie = io.BytesIO()
    premiere.save(sortie, format="MPO", save_all=True, append_images=[seconde])
    return sortie.getvalue()


def un_png(*, mode: str = "RGBA", cote: int = 200) -> bytes:
    """A PNG with text chunks that name its author, and transparency when its mode has some."""
    image = _paysage(cote, cote, 4).convert(mode)
    if mode == "RGBA":
        image.putalpha(128)
    textes = PngImagePlugin.PngInfo()
    textes.add_text("Author", AUTEUR)
    textes.add_itxt("Location", GPS, zip=True)
    sortie = io.BytesIO()
    image.save(sortie, format="PNG", pnginfo=textes)
    return sortie.getvalue()


def une_photo_a_profil() -> bytes:
    """A red JPEG whose colour profile exchanges red and blue: it must be seen blue."""
    profil = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profil = bytearray(profil.replace("sRGB".encode("utf-16-be"), "Essa".encode("utf-16-be")))
    rouge, bleu = profil.index(b"rXYZ"), profil.index(b"bXYZ")
    profil[rouge : rouge + 4], profil[bleu : bleu + 4] = b"bXYZ", b"rXYZ"
    sortie = io.BytesIO()
    Image.new("RGB", (64, 64), (255, 0, 0)).save(sortie, format="JPEG", icc_profile=bytes(profil))
    return sortie.getvalue()


def un_pdf(*, pages: int = 2, titre: str = "Preuve de résidence", remplissage: int = 0) -> bytes:
    """A PDF of so many pages with text on each, its xref table right to the byte.

    `remplissage` is the bytes of incompressible stream to carry along, for a file of a given size.
    """
    objets: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>"]
    enfants = " ".join(f"{4 + 2 * n} 0 R" for n in range(pages))
    objets.append(f"<</Type/Pages/Count {pages}/Kids[{enfants}]>>".encode())
    objets.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    for numero in range(pages):
        texte = f"BT /F1 24 Tf 72 700 Td ({titre} {numero + 1}) Tj ET".encode("cp1252")
        objets.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * numero} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>".encode()
        )
        objets.append(_flux(texte))
    if remplissage:
        objets.append(_flux(_alea(6).randbytes(remplissage)))
    return _assembler(objets)


def un_pdf_protege() -> bytes:
    """A PDF that says that it is encrypted (revision 3, RC4 128), with random keys."""
    alea = _alea(7)
    cle, proprietaire = alea.randbytes(32).hex(), alea.randbytes(32).hex()
    chiffrement = (
        f"/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -44/O<{proprietaire}>/U<{cle}>>>"
        "/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    )
    objets = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
    ]
    return _assembler(objets, chiffrement.encode())


def un_pdf_actif() -> bytes:
    """A PDF that would run a script when it is opened."""
    objets = [
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
    ]
    return _assembler(objets)


def une_bombe_png(*, cote: int = 50_000) -> bytes:
    """A PNG of a few kilobytes that declares 2.5 thousand million pixels."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _morceau(b"IHDR", struct.pack(">IIBBBBB", cote, cote, 8, 2, 0, 0, 0)),
            _morceau(b"IDAT", zlib.compress(bytes(1_000_000), 9)),
            _morceau(b"IEND", b""),
        )
    )


def une_page_html() -> bytes:
    """A page with a script."""
    return b"<!doctype html><html><body><script>alert(document.cookie)</script></body></html>"


def un_svg() -> bytes:
    """A picture with a script."""
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def polyglottes() -> dict[str, bytes]:
    """Files that are two things at once, by name."""
    pdf, html = un_pdf(), une_page_html()
    entete, corps = pdf[:9], pdf[9:]
    return {
        "html_puis_pdf": html + b"\n" + pdf,
        "pdf_avec_html_en_tete": entete + b"%" + html + b"\n" + corps,
        "pdf_puis_html": pdf + html,
        "pdf_puis_zip": pdf + un_zip({"a.txt": b"bonjour"}),
        "gif_et_script": b"GIF89a/*" + b"\0" * 32 + b"*/=1;alert(1)",
        "svg": un_svg(),
        "html": html,
        "texte": b"bonjour " * 100,
        "programme": b"MZ" + bytes(200),
        "zip": un_zip({"piece.pdf": pdf}),
    }


def un_zip(contenu: dict[str, bytes]) -> bytes:
    """A ZIP archive."""
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as archive:
        for nom, octets in contenu.items():
            archive.writestr(nom, octets)
    return sortie.getvalue()


def _alea(graine: int) -> random.Random:
    return random.Random(graine)  # noqa: S311 - the same bytes at each run


def _paysage(largeur: int, hauteur: int, graine: int) -> Image.Image:
    # Noise at a quarter of the size, enlarged: about as hard to pack as a photograph.
    alea = _alea(graine)
    petit = (max(largeur // 4, 1), max(hauteur // 4, 1))
    bruit = Image.frombytes("RGB", petit, alea.randbytes(petit[0] * petit[1] * 3))
    degrade = Image.linear_gradient("L").resize((largeur, hauteur)).convert("RGB")
    return Image.blend(bruit.resize((largeur, hauteur), Image.Resampling.BICUBIC), degrade, 0.6)


def _flux(octets: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(octets), octets)


def _assembler(objets: list[bytes], pied: bytes = b"") -> bytes:
    sortie = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for numero, objet in enumerate(objets, start=1):
        places.append(len(sortie))
        sortie += b"%d 0 obj\n%b\nendobj\n" % (numero, objet)
    table = len(sortie)
    sortie += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objets) + 1)
    sortie += b"".join(b"%010d 00000 n \n" % place for place in places)
    sortie += b"trailer\n<</Size %d/Root 1 0 R%b>>\n" % (len(objets) + 1, pied)
    sortie += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(sortie)


def _morceau(nom: bytes, corps: bytes) -> bytes:
    return struct.pack(">I", len(corps)) + nom + corps + struct.pack(">I", zlib.crc32(nom + corps))
