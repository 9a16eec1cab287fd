/* On every page: the time zone is told once, a request that fails says so, and the palette opens. */

import "./palette.js";
import "./memory_cards.js";

const toast = document.getElementById("toast");
let toastTimer;

function say(words) {
  toast.textContent = words;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.textContent = ""), 8000);
}

function tellTimeZone() {
  const form = document.getElementById("time-zone-form");
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // Told only while the account still has the one it was born with: a zone chosen in the settings stays.
  if (!form || !timeZone || form.dataset.timeZone !== "UTC" || timeZone === "UTC") return;
  form.elements.time_zone.value = timeZone;
  fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } }).catch(() => {});
}

const refusals = {
  403: "This page is too old to be trusted. Load it again, then repeat what you did.",
  404: "That is no longer here. Load the page again.",
  429: "That was too often in a short time. Wait a moment, then try again.",
};

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  const { status, headers } = ctx.response;
  const isSentence = headers.get("Content-Type")?.startsWith("text/plain");
  // A form that comes back with its errors says them itself.
  if (status === 422 && !isSentence) return;
  say(isSentence ? ctx.text : (refusals[status] ?? "That did not work. Nothing was changed; try again in a moment."));
});

// No fragment is ever redirected: whoever is led elsewhere has been signed out, and signs in on a page of its own.
document.addEventListener("htmx:before:response", (event) => {
  if (!event.detail.ctx.response.raw.redirected) return;
  event.preventDefault();
  location.reload();
});

document.addEventListener("htmx:error", () => say("The server cannot be reached. Nothing was changed; try again in a moment."));

tellTimeZone();
