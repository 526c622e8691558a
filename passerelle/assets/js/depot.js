// Files of the document space: dropped, chosen or photographed, several at once, each with its
// progress, taken up again where a cut left it (tus). The form works without any of this.
import { Upload } from "tus-js-client";

const RETRIES = [0, 1000, 3000, 5000, 10000, 20000];
const FIELDS = ["genre", "libelle", "valide_jusqu_au", "remplace"];

// What was begun is remembered for this tab only: a shared computer must not keep names of papers.
const memory = {
  findAllUploads: async () => found("tus::"),
  findUploadsByFingerprint: async (fingerprint) => found(`tus::${fingerprint}::`),
  removeUpload: async (key) => sessionStorage.removeItem(key),
  addUpload: async (fingerprint, upload) => {
    const key = `tus::${fingerprint}::${Date.now()}`;
    sessionStorage.setItem(key, JSON.stringify(upload));
    return key;
  },
};

function found(prefix) {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(prefix))
    .map((key) => ({ ...JSON.parse(sessionStorage.getItem(key)), urlStorageKey: key }));
}

function said(form, file, rank, count) {
  const words = { filename: file.name, filetype: file.type };
  for (const name of FIELDS) {
    const value = form.elements[name]?.value.trim();
    if (value) words[name] = value;
  }
  if (words.libelle && count > 1) words.libelle = `${words.libelle} ${rank + 1}`;
  return words;
}

// The sentence of a refusal in the language of the page; "" when it was the network.
function sentence(form, error) {
  const answer = error.originalResponse;
  if (!answer || !answer.getStatus()) return "";
  try {
    const problem = JSON.parse(answer.getBody());
    const langue = form.dataset.langue === "en" ? "message_en" : "message_fr";
    const [fault] = Object.values(problem.champs ?? {});
    return (fault ?? problem)[langue] ?? "";
  } catch {
    return "";
  }
}

class Row {
  constructor(list, file, remove) {
    this.file = file;
    this.words = list.dataset;
    this.item = document.createElement("li");
    this.name = document.createElement("strong");
    this.name.textContent = file.name;
    this.state = document.createElement("span");
    this.state.textContent = this.words.pret;
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `${this.words.progres} : ${file.name}`);
    this.bar.hidden = true;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "btn btn-lien";
    this.button.textContent = this.words.retirer;
    this.button.setAttribute("aria-label", `${this.words.retirer} ${file.name}`);
    this.button.addEventListener("click", () => remove(this));
    this.item.append(this.name, this.state, this.button, this.bar);
    list.append(this.item);
  }

  tell(text, kind = "") {
    this.state.textContent = text;
    this.item.className = kind;
  }

  advance(sent, total) {
    this.bar.hidden = false;
    this.bar.value = total ? sent / total : 0;
    if (sent === total) this.tell(this.words.analyse);
  }
}

// Sends one file. Resolves to its document, or to null with what to tell in `row.fault`.
function send(form, row, metadata) {
  return new Promise((resolve) => {
    let piece = "";
    const upload = new Upload(row.file, {
      endpoint: form.dataset.endroit,
      headers: { "X-CSRF-Token": form.elements.csrf_token.value },
      metadata,
      retryDelays: RETRIES,
      urlStorage: memory,
      removeFingerprintOnSuccess: true,
      fingerprint: async (file) =>
        JSON.stringify([file.name, file.size, file.lastModified, metadata]),
      onAfterResponse: (request, response) => {
        const where = response.getHeader("Content-Location");
        if (where) piece = where.split("/").pop();
      },
      onProgress: (sent, total) => row.advance(sent, total),
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const again = status === 0 || status === 409 || status === 423 || status >= 500;
        if (again) row.tell(row.words.coupe);
        return again;
      },
      onSuccess: () => {
        row.tell(row.words.recu, "envoi-recu");
        resolve(piece || "?");
      },
      onError: (error) => {
        row.fault = sentence(form, error) || row.words.echec;
        row.tell(row.fault, "envoi-refuse");
        resolve(null);
      },
    });
    row.button.hidden = true;
    row.tell(row.words.envoi);
    upload.findPreviousUploads().then(([previous]) => {
      if (previous) {
        row.tell(row.words.reprise);
        upload.resumeFromPreviousUpload(previous);
      }
      upload.start();
    });
  });
}

class Depot {
  constructor(form) {
    this.form = form;
    this.box = form.querySelector(".depot");
    this.input = this.box.querySelector("input[type=file]");
    this.list = form.querySelector("[data-envois]");
    this.many = this.box.dataset.plusieurs !== undefined;
    this.rows = [];
    this.input.multiple = this.many;
    this.input.addEventListener("change", () => this.take(this.input.files));
    this.drop();
    this.camera();
    form.addEventListener("submit", (event) => this.submit(event));
  }

  drop() {
    this.box.querySelector("[data-glisser]").hidden = false;
    for (const kind of ["dragenter", "dragover"])
      this.box.addEventListener(kind, (event) => {
        event.preventDefault();
        this.box.classList.add("depot-survol");
      });
    for (const kind of ["dragleave", "drop"])
      this.box.addEventListener(kind, () => this.box.classList.remove("depot-survol"));
    this.box.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
  }

  // A touch screen has a camera behind the same field.
  camera() {
    if (!matchMedia("(pointer: coarse)").matches) return;
    const place = this.box.querySelector("[data-photo]");
    place.hidden = false;
    place.querySelector("button").addEventListener("click", () => {
      this.input.setAttribute("capture", "environment");
      this.input.click();
      this.input.removeAttribute("capture");
    });
  }

  take(files) {
    const chosen = this.many ? [...files] : [...files].slice(0, 1);
    if (!chosen.length) return;
    if (!this.many) for (const row of [...this.rows]) this.remove(row);
    for (const file of chosen)
      this.rows.push(new Row(this.list, file, (row) => this.remove(row)));
    // The rows are what will be sent; the field is free for the next choice.
    this.input.value = "";
    this.input.required = false;
  }

  remove(row) {
    row.item.remove();
    this.rows = this.rows.filter((other) => other !== row);
    this.input.focus();
  }

  async submit(event) {
    // Without a file the server says what is missing, in its own words.
    if (!this.rows.length) return;
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    const button = this.form.querySelector("button[type=submit]");
    button.disabled = true;
    const waiting = this.rows.filter((row) => !row.piece);
    const count = this.rows.length;
    for (const row of waiting)
      row.piece = await send(this.form, row, said(this.form, row.file, this.rows.indexOf(row), count));
    button.disabled = false;
    this.busy = false;
    this.finish();
  }

  finish() {
    const refused = this.rows.filter((row) => !row.piece);
    if (!refused.length) {
      location.assign(this.next());
      return;
    }
    const box = document.querySelector("[data-refus]");
    box.querySelector("ul").replaceChildren(
      ...refused.map((row) => {
        const line = document.createElement("li");
        line.textContent = this.rows.length > 1 ? `${row.file.name} : ${row.fault}` : row.fault;
        return line;
      }),
    );
    for (const row of refused) row.button.hidden = false;
    box.hidden = false;
    box.focus();
  }

  // The page that wanted a document is told which one it got.
  next() {
    const { suite, fini } = this.form.dataset;
    const [{ piece }] = this.rows;
    if (!suite || piece === "?") return suite || fini;
    return `${suite}${suite.includes("?") ? "&" : "?"}piece=${piece}`;
  }
}

for (const form of document.querySelectorAll("form[data-depot]")) new Depot(form);
