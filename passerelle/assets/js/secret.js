// A button that shows or hides what is typed in a password field.
export function setUpSecrets(part) {
  for (const box of part.querySelectorAll("[data-secret]:not([data-pret])")) {
    box.dataset.pret = "";
    const field = box.querySelector("input");
    const button = box.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    });
    // A password left readable on a shared screen must not be sent that way to the browser's
    // form history.
    box.closest("form").addEventListener("submit", () => {
      field.type = "password";
    });
  }
}
