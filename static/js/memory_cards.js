/* A memory that waits for its owner is answered by one key while its card has the focus: K, E or D. */

document.addEventListener("keydown", (event) => {
  const card = event.target.closest?.("[data-card]");
  if (event.target !== card || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = card?.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
  card.querySelector(".rewording[open] textarea")?.focus();
});

// A form that opens in its place is there to be written in.
document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.(".rewording") && target.open) target.querySelector("textarea").focus();
}, true);

document.addEventListener("keydown", (event) => {
  const rewording = event.key === "Escape" && event.target.closest?.(".rewording[open]");
  if (!rewording) return;
  event.preventDefault();
  rewording.open = false;
  rewording.querySelector("summary").focus();
});

// What was saved leaves its form behind.
document.addEventListener("memories-changed", ({ target }) => {
  const rewording = target.closest?.(".rewording");
  if (rewording) rewording.open = false;
});
