// The check against robots (IDN-03): the proof is looked for while a person types. The code to copy
// takes its place when the browser cannot look for it, or when the person would rather copy it.
const waiting = new WeakMap();

function field(box, name) {
  return box.querySelector(`input[name="${name}"]`);
}

function showCode(box) {
  const place = box.querySelector("[data-code]");
  const model = box.querySelector("template[data-modele]");
  if (model && !place.firstElementChild) place.append(model.content.cloneNode(true));
  const answer = place.querySelector("input");
  if (answer) answer.required = true;
  box.querySelector("[data-avance]").hidden = true;
  setUpRefresh(box);
  return answer;
}

function stop(box) {
  waiting.get(box)?.worker.terminate();
  waiting.delete(box);
}

function solve(box) {
  if (field(box, "preuve").value || typeof Worker === "undefined") return;
  const advance = box.querySelector("[data-avance]");
  const words = advance.querySelector("[data-etat]");
  let worker;
  try {
    worker = new Worker(box.dataset.ouvrier);
  } catch {
    showCode(box);
    return;
  }
  const state = { worker, submit: null };
  waiting.set(box, state);
  worker.onerror = () => {
    stop(box);
    showCode(box);
  };
  worker.onmessage = ({ data }) => {
    if (data.avance !== undefined) {
      advance.querySelector("progress").value = data.avance;
      return;
    }
    field(box, "preuve").value = data.preuve;
    advance.querySelector("progress").value = 100;
    words.textContent = words.dataset.fini;
    stop(box);
    state.submit?.();
  };
  worker.postMessage({ defi: field(box, "defi").value, bits: Number(field(box, "bits").value) });
}

// A form that is sent before the proof is found waits for it, and says so.
function holdSubmit(box, form) {
  form.addEventListener("submit", (event) => {
    const state = waiting.get(box);
    const code = field(box, "code_securite");
    if (!state || event.defaultPrevented || code?.value) return;
    event.preventDefault();
    const advance = box.querySelector("[data-avance]");
    const words = advance.querySelector("[data-etat]");
    advance.hidden = false;
    words.textContent = words.dataset.cours;
    state.submit = () => form.requestSubmit(event.submitter?.name ? event.submitter : undefined);
  });
}

// Another code without losing what was typed.
function setUpRefresh(box) {
  const button = box.querySelector("[data-autre-code]");
  if (!button || button.dataset.pret !== undefined) return;
  button.dataset.pret = "";
  // Return, typed in a field, presses the first button that submits: no longer this one.
  button.type = "button";
  button.addEventListener("click", async () => {
    const answer = await fetch(`/api/v1/defi?usage=${box.dataset.usage}`).catch(() => null);
    if (!answer?.ok) return;
    const fresh = await answer.json();
    stop(box);
    field(box, "defi").value = fresh.defi;
    field(box, "bits").value = fresh.bits;
    field(box, "preuve").value = "";
    const encoded = encodeURIComponent(fresh.defi);
    box.querySelector("[data-image]").src = `/code-securite/image/${encoded}`;
    box.querySelector("[data-son]").src = `/code-securite/son/${encoded}`;
    const code = field(box, "code_securite");
    code.value = "";
    code.focus();
  });
}

export function setUpProofs(part) {
  for (const box of part.querySelectorAll("[data-preuve]:not([data-pret])")) {
    box.dataset.pret = "";
    const form = box.closest("form");
    box.querySelector("[data-choisir-code]").addEventListener("click", () => {
      stop(box);
      showCode(box)?.focus();
    });
    setUpRefresh(box);
    holdSubmit(box, form);
    solve(box);
  }
}
