// A second click on a button that is already at work does nothing. The server holds the real
// promise (request_id); this one only spares people the doubt.
const HOLD_MS = 8000;

export function setUpOnce(root) {
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.envoye !== undefined) {
      event.preventDefault();
      return;
    }
    form.dataset.envoye = "";
    setTimeout(() => delete form.dataset.envoye, HOLD_MS);
  });
  // Coming back with the browser's arrow must find the form usable.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-envoye]")) delete form.dataset.envoye;
  });
}
