/* Answers as the server rendered them: what scripts add to them, and how they grow while they are written. */

/** Within these the words that come next belong to what stands last. */
const HOLDERS = "ul, ol, li, blockquote, p, h3, h4, h5, h6, pre, code, table, tbody, tr, td, .code, .wide";
const COPIED_MS = 2000;

/** What ended the text when the open block was rendered: the server leaves blanks at the end away. */
const blanks = new WeakMap();

/** Numbers of memories lead to their notes in the margin, and code can be copied. */
export function dress(turn) {
  for (const mark of turn.querySelectorAll("sup.cite:not(:has(a))")) linkCitation(mark, turn.dataset.message);
  for (const code of turn.querySelectorAll(".code:not(:has(button))")) code.append(copyButton(code));
}

function linkCitation(mark, messageId) {
  const link = document.createElement("a");
  link.href = `#knew-${messageId}-${mark.textContent}`;
  link.textContent = mark.textContent;
  link.setAttribute("aria-label", `Memory ${mark.textContent}`);
  mark.replaceChildren(link);
}

/** It has an icon and no words, which would be copied with the answer. */
function copyButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = "Copy";
  button.setAttribute("aria-label", ["Copy the", code.dataset.language, "code"].filter(Boolean).join(" "));
  button.append(document.getElementById("turn-template").content.querySelector("[data-copy] svg").cloneNode(true));
  return button;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest(".code > button");
  if (!button) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
  const name = button.getAttribute("aria-label");
  button.classList.add("copied");
  button.setAttribute("aria-label", "Copied");
  setTimeout(() => {
    button.classList.remove("copied");
    button.setAttribute("aria-label", name);
  }, COPIED_MS);
});

/** For words that need no rendering: it reads the way its first letter does, and keeps its lines. */
export function plainParagraph() {
  const paragraph = document.createElement("p");
  paragraph.className = "words";
  paragraph.dir = "auto";
  return paragraph;
}

/** Blocks that are whole stay as they are; false when some of them never came. */
export function showBlocks(turn, { closed, html, open }, text) {
  const said = turn.querySelector(".say");
  const start = closed - html.length;
  if (said.children.length < start) return false;
  while (said.children.length > start) said.lastElementChild.remove();
  said.insertAdjacentHTML("beforeend", html.join(""));
  if (html.length) dress(turn);
  said.insertAdjacentHTML("beforeend", open);
  blanks.set(said, /\s*$/.exec(text)[0]);
  return true;
}

/** Words that came since the open block was rendered, as they are. */
export function addWords(turn, words) {
  const said = turn.querySelector(".say");
  let place = said.lastElementChild ?? said;
  while (place.lastElementChild?.matches(HOLDERS)) place = place.lastElementChild;
  place.append(`${blanks.get(said) ?? ""}${words}`);
  blanks.delete(said);
}
