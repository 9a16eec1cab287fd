/* The palette (Ctrl or Cmd and K) and the list of keys (?), on every page. A command that needs the pen is handed to the
   chat page as the event "command"; elsewhere only places are offered. */

const PATIENCE = 200;

const palette = document.getElementById("palette");
const keys = document.getElementById("keys");
const hasPen = document.getElementById("pen") !== null;

export function showKeys() {
  keys?.showModal();
}

if (palette) {
  const field = palette.querySelector("input");
  const offers = [...palette.querySelectorAll("[data-offers] [role=option]")];
  const found = palette.querySelector("[data-found]");
  const nothing = palette.querySelector("[data-nothing]");
  let timer;
  let asked = 0;
  let isSearching = false;

  function shown() {
    return [...palette.querySelectorAll("[role=option]")].filter((option) => !option.hidden);
  }

  function choose(option) {
    for (const each of palette.querySelectorAll("[role=option]")) each.setAttribute("aria-selected", each === option);
    field.setAttribute("aria-activedescendant", option?.id ?? "");
    option?.scrollIntoView({ block: "nearest" });
  }

  function narrow() {
    const words = field.value.trim().toLowerCase();
    for (const offer of offers) {
      const isOfUse = hasPen || offer.dataset.href || offer.dataset.command === "help";
      offer.hidden = !isOfUse || !offer.textContent.toLowerCase().includes(words);
    }
    const options = shown();
    nothing.hidden = options.length > 0 || isSearching;
    choose(options[0]);
  }

  async function search() {
    const words = field.value.trim();
    const number = ++asked;
    isSearching = false;
    if (!words) {
      found.replaceChildren();
      narrow();
      return;
    }
    const body = new FormData();
    body.set("query", words);
    body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    const response = await fetch(palette.dataset.search, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (!response.ok || number !== asked) return;
    found.innerHTML = await response.text();
    // Links of the fragment are options here: one moves among them as among all others.
    found.querySelectorAll("ul, ol, li, p").forEach((element) => element.setAttribute("role", "presentation"));
    found.querySelectorAll("a").forEach((link, index) => {
      link.setAttribute("role", "option");
      link.id = `found-${index}`;
      link.tabIndex = -1;
    });
    narrow();
  }

  function take(option) {
    const { href, command } = option.dataset;
    palette.close();
    if (command === "help") showKeys();
    else if (command) document.dispatchEvent(new CustomEvent("command", { detail: command }));
    else location.assign(option.getAttribute("href") ?? href);
  }

  function open() {
    field.value = "";
    isSearching = false;
    found.replaceChildren();
    palette.showModal();
    narrow();
  }

  offers.forEach((offer, index) => (offer.id = `offer-${index}`));

  field.addEventListener("input", () => {
    isSearching = Boolean(palette.dataset.search && field.value.trim());
    narrow();
    clearTimeout(timer);
    if (palette.dataset.search) timer = setTimeout(search, PATIENCE);
  });

  field.addEventListener("keydown", (event) => {
    const options = shown();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(options[(at + 1) % options.length]);
    else if (event.key === "ArrowUp") choose(options.at(at - 1));
    else if (event.key === "Enter" && !event.isComposing && options[at]) take(options[at]);
    else return;
    event.preventDefault();
  });

  // One option is chosen at a time, by whatever hand.
  palette.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option.getAttribute("aria-selected") !== "true") choose(option);
  });

  palette.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      event.preventDefault();
      take(option);
    } else if (event.target === palette) {
      palette.close();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else if (!document.querySelector("dialog[open]")) open();
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
    // For a moment the focus may still be in the palette that was closed.
    if (event.key !== "?" || field?.checkVisibility() || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    showKeys();
  });
}
