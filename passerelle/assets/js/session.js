// Says before a session ends for want of activity, and lets one stay (WCAG 2.2.1). Without this
// script what is typed is kept through a new log-in all the same.
const BEFORE_MS = 150_000;
const EVERY_MS = 5_000;

export function setUpSessionEnd(root) {
  const banner = root.querySelector("[data-session-fin]");
  if (!banner) return;
  let end = Date.parse(banner.dataset.sessionFin);
  const minutes = banner.querySelector("[data-minutes]");
  const tick = () => {
    const left = end - Date.now();
    banner.hidden = left > BEFORE_MS;
    if (!banner.hidden) {
      const text = left > 0 ? banner.dataset.bientot : banner.dataset.finie;
      const words = text.replace("{minutes}", String(Math.max(1, Math.ceil(left / 60_000))));
      if (minutes.textContent !== words) minutes.textContent = words;
    }
  };
  banner.querySelector("a").addEventListener("click", async (event) => {
    event.preventDefault();
    const there = event.currentTarget.href;
    const answer = await fetch(there, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) {
      window.open(there, "_blank", "noopener");
      return;
    }
    end = Date.parse((await answer.json()).expire_le);
    tick();
  });
  setInterval(tick, EVERY_MS);
  tick();
}
