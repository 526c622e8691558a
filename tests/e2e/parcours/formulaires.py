"""A browser without JavaScript, reduced to what it does with links and forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx


@dataclass
class Formulaire:
    """One form of a page: where it goes and what it would send as it stands."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Formulaire] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self._open: Formulaire | None = None
        self._select: str | None = None
        self._textarea: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag in {"script", "style"}:
            self._silent += 1
        elif tag == "a" and "href" in about:
            self.links.append(about["href"])
        elif tag == "form":
            self._open = Formulaire(about.get("action", ""), about.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None:
            self._control(tag, about, self._open)

    def _control(self, tag: str, about: dict[str, str], form: Formulaire) -> None:
        name = about.get("name", "")
        if tag == "input":
            self._input(about, form)
        elif tag == "button" and about.get("type", "submit") == "submit":
            form.buttons.append((name, about.get("value", "")))
        elif tag == "select":
            self._select = name
            form.values.setdefault(name, [])
        elif tag == "option" and self._select is not None:
            chosen = form.values[self._select]
            if "selected" in about:
                form.values[self._select] = [about.get("value", "")]
            elif not chosen and "disabled" not in about:
                chosen.append(about.get("value", ""))
        elif tag == "textarea":
            self._textarea = name
            form.values[name] = [""]

    @staticmethod
    def _input(about: dict[str, str], form: Formulaire) -> None:
        name, kind = about.get("name", ""), about.get("type", "text")
        if not name or "disabled" in about:
            return
        if kind == "file":
            form.files.add(name)
        elif kind in {"checkbox", "radio"}:
            values = form.values.setdefault(name, [])
            if "checked" in about:
                values.append(about.get("value", "on"))
        elif kind not in {"submit", "button", "image"}:
            form.values.setdefault(name, []).append(about.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._silent -= 1
        elif tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._textarea = None

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


@dataclass
class Page:
    """What the visitor sees: address, status, words, links, forms."""

    url: str
    status: int
    text: str
    links: list[str]
    forms: list[Formulaire]

    def formulaire(self, *champs: str) -> Formulaire:
        """The form that has these fields. Raises: AssertionError with the words of the page."""
        for form in self.forms:
            known = set(form.values) | form.files | {name for name, _ in form.buttons}
            if set(champs) <= known:
                return form
        raise AssertionError(
            f"no form with {champs} at {self.url} ({self.status}): {self.text[:600]}"
        )

    def lien(self, debut: str) -> str:
        """The first link that starts so."""
        found = next((link for link in self.links if link.startswith(debut)), None)
        assert found, f"no link {debut}… at {self.url}: {self.links}"
        return found


class Navigateur:
    """A visitor: cookies, and the last page."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.http.follow_redirects = True

    def ouvrir(self, chemin: str) -> Page:
        """Follow a link."""
        return self._lire(self.http.get(chemin))

    def envoyer(
        self,
        page: Page,
        formulaire: Formulaire,
        champs: dict[str, Any],
        *,
        fichier: tuple[str, bytes] | None = None,
        bouton: str = "",
    ) -> Page:
        """Fill a form in and send it, as its page holds it; a field that it lacks is an error."""
        unknown = set(champs) - set(formulaire.values)
        assert not unknown, f"{page.url} has no field {unknown}"
        values = {name: list(value) for name, value in formulaire.values.items()}
        for name, value in champs.items():
            values[name] = value if isinstance(value, list) else [value]
        if bouton:
            value = next(value for name, value in formulaire.buttons if name == bouton)
            values[bouton] = [value]
        target = str(httpx.URL(page.url).join(formulaire.action))
        headers = {"Origin": f"{self.http.base_url.scheme}://{self.http.base_url.netloc.decode()}"}
        if fichier is None:
            return self._lire(self.http.request("POST", target, data=values, headers=headers))
        name = next(iter(formulaire.files))
        return self._lire(
            self.http.post(target, data=values, files={name: fichier}, headers=headers)
        )

    @staticmethod
    def _lire(response: httpx.Response) -> Page:
        reader = _Reader()
        reader.feed(response.text if "html" in response.headers.get("content-type", "") else "")
        text = " ".join("".join(reader.text).split())
        return Page(str(response.url), response.status_code, text, reader.links, reader.forms)
