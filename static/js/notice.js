/* What the page says above the pen: a sentence, a card to tick, a way to another mode. */

const place = document.getElementById("pen-notice");

export function clear() {
  place.replaceChildren();
}

export function say(sentence) {
  const paragraph = document.createElement("p");
  paragraph.textContent = sentence;
  place.replaceChildren(paragraph);
}

/** A fragment of the server's, with its forms at work and what it brings for other places. */
export async function show(html) {
  await window.htmx.swap({ text: html, target: place, swap: "innerHTML", sourceElement: place });
  place.querySelector("input[type=checkbox]")?.focus();
}

export function showTemplate(id, sentence = "") {
  place.replaceChildren(document.getElementById(id).content.cloneNode(true));
  const words = place.querySelector("span");
  if (words && sentence) words.textContent = sentence;
}

place.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) clear();
});

// What was undone says so in its place, as long as something else can be.
place.addEventListener("memories-changed", ({ target }) => {
  const undo = target.closest("form");
  if (!undo || place.querySelectorAll("form").length === 1) say("Undone.");
  else undo.replaceWith("Undone.");
});
