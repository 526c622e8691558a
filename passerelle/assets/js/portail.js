// What scripts add to pages that work without them. htmx swaps parts of a page (filters, search,
// preview pages); the modules below each improve one thing.
import "htmx.org";
import { setUpSessionEnd } from "./session.js";
import { setUpOnce } from "./une-fois.js";
import { setUpPasskeys } from "./passkey.js";
import { setUpProofs } from "./preuve.js";
import { setUpSecrets } from "./secret.js";
import { setUpViews } from "./vue.js";

function setUp(part) {
  setUpSecrets(part);
  setUpProofs(part);
  setUpViews(part);
  setUpPasskeys(part);
}

// An error summary takes the focus, so that a screen reader starts with it (WCAG 4.1.3).
function start() {
  setUp(document);
  document.querySelector("[data-fautes]")?.focus();
}

setUpOnce(document);
setUpSessionEnd(document);
start();
document.addEventListener("htmx:after:swap", () => setUp(document));
document.addEventListener("page:remplacee", start);
