// Uploads: drop a file on the frame, see how far it is, add a document without leaving the page.
function showName(box, input) {
  const name = box.querySelector("[data-nom-choisi]");
  if (name) name.textContent = input.files.length ? input.files[0].name : "";
}

function setUpDrop(box, input) {
  for (const kind of ["dragenter", "dragover"])
    box.addEventListener(kind, (event) => {
      event.preventDefault();
      box.classList.add("depot-survol");
    });
  for (const kind of ["dragleave", "drop"])
    box.addEventListener(kind, () => box.classList.remove("depot-survol"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    input.files = one.files;
    showName(box, input);
  });
  input.addEventListener("change", () => showName(box, input));
}

// fetch() tells nothing about what was sent, hence XMLHttpRequest.
function send(form, progress, words) {
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    progress.value = event.loaded / event.total;
    if (event.loaded === event.total) words.textContent = words.dataset.analyse;
  });
  request.addEventListener("load", () => {
    delete form.dataset.envoye;
    // The answer is a page: the one the form leads to, or the form again with what is wrong.
    const there = new URL(request.responseURL || form.action);
    if (there.pathname !== new URL(form.action).pathname) {
      location.assign(there);
      return;
    }
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    document.title = page.title;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.dispatchEvent(new CustomEvent("page:remplacee"));
  });
  request.addEventListener("error", () => {
    delete form.dataset.envoye;
    words.textContent = words.dataset.echec;
  });
  request.send(new FormData(form));
}

export function setUpDepots(part) {
  for (const form of part.querySelectorAll("form[data-depot]:not([data-pret])")) {
    form.dataset.pret = "";
    const box = form.querySelector(".depot");
    const input = box.querySelector("input[type=file]");
    const advance = form.querySelector(".avance");
    setUpDrop(box, input);
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented || !input.files.length) return;
      event.preventDefault();
      const words = advance.querySelector("[data-analyse]");
      advance.hidden = false;
      words.textContent = words.dataset.envoi;
      send(form, advance.querySelector("progress"), words);
    });
  }
}
