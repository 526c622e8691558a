// Staff: enlarge a proof in its frame, and keep the count of what is left to decide.
function setUpZoom(button) {
  button.hidden = false;
  const view = document.getElementById(button.getAttribute("aria-controls"));
  button.addEventListener("click", () => {
    const large = view.classList.toggle("vue-agrandie");
    button.setAttribute("aria-pressed", String(large));
  });
}

export function setUpViews(part) {
  for (const button of part.querySelectorAll("[data-zoom]:not([data-pret])")) {
    button.dataset.pret = "";
    setUpZoom(button);
  }
  for (const button of part.querySelectorAll("[data-imprimer]:not([data-pret])")) {
    button.dataset.pret = "";
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}
