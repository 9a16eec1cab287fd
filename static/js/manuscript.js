/* The turns on the page. Their markup comes from <template> elements, which hold the fragments the server renders. */

import { addWords, dress, plainParagraph, showBlocks } from "./rendered.js";

export { dress };

const manuscript = document.getElementById("manuscript");
/** Turns whose answer the server has rendered already as far as it had come: words join what stands there. */
const rendered = new WeakSet();
const NEAR_THE_END = 140;
/** Leads to the end of a conversation that one reads further up. */
const toEnd = document.getElementById("to-end");

function copyOf(templateId) {
  return document.getElementById(templateId).content.cloneNode(true);
}

export function turns() {
  return [...manuscript.querySelectorAll(".turn")];
}

export function hasUnkeptTurns() {
  return turns().some((turn) => turn.dataset.mode === "incognito");
}

export function scrollToEnd() {
  window.scrollTo({ top: document.documentElement.scrollHeight });
}

function isAtEnd() {
  return window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - NEAR_THE_END;
}

/** Changes the page by `change`, and keeps its end in view for a reader who was there. */
function keepingEndInView(change) {
  const wasAtEnd = isAtEnd();
  change();
  if (wasAtEnd) scrollToEnd();
}

// Notes lengthen the page where the margin lies under its turn, and earlier turns come above what is being read.
const swaps = new WeakMap();
manuscript.addEventListener("htmx:before:swap", ({ target, detail: { ctx } }) => {
  const fromEnd = document.documentElement.scrollHeight - window.scrollY;
  swaps.set(ctx, { wasAtEnd: isAtEnd(), fromEnd, isAbove: target.closest(".earlier") !== null });
});
// The button for earlier turns goes with them, so that their end is told to the document alone.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!swaps.has(ctx)) return;
  const { wasAtEnd, fromEnd, isAbove } = swaps.get(ctx);
  turns().forEach(dress);
  if (isAbove) stayBelowEarlierTurns(fromEnd);
  else if (wasAtEnd) scrollToEnd();
});

/** What was read stays in its place, and the next press of a key goes on from where the last one was. */
function stayBelowEarlierTurns(fromEnd) {
  (manuscript.querySelector(".earlier a") ?? manuscript).focus({ preventScroll: true });
  window.scrollTo({ top: document.documentElement.scrollHeight - fromEnd });
}

function showWayToEnd() {
  toEnd.hidden = isAtEnd();
}

toEnd.addEventListener("click", () => {
  scrollToEnd();
  document.getElementById("message").focus({ preventScroll: true });
});
document.addEventListener("scroll", showWayToEnd, { passive: true });
new ResizeObserver(showWayToEnd).observe(manuscript);

export function addTurn(text, mode) {
  manuscript.append(copyOf("turn-template"));
  const turn = manuscript.lastElementChild;
  turn.dataset.mode = mode;
  turn.querySelector(".ask").textContent = text;
  turn.querySelector(".say").setAttribute("aria-busy", "true");
  scrollToEnd();
  return turn;
}

/** An edited message, or another answer, begins a branch: what stood after it is not part of that. */
export function cutAfter(turn) {
  while (turn.nextElementSibling) turn.nextElementSibling.remove();
}

export function cutFrom(messageId) {
  const turn = document.getElementById(`turn-${messageId}`);
  if (!turn) return;
  cutAfter(turn);
  const divider = turn.previousElementSibling;
  turn.remove();
  if (divider?.matches(".divider")) divider.remove();
}

/** Room for another answer to a message. */
export function clearAnswer(turn) {
  cutAfter(turn);
  rendered.delete(turn);
  turn.querySelector(".say").replaceChildren();
  waitForWords(turn);
}

export function waitForWords(turn) {
  turn.querySelector(".trouble")?.remove();
  turn.querySelector(".say").setAttribute("aria-busy", "true");
  turn.querySelector(".answered").hidden = true;
}

/** What is done while no word has come: to be seen, and not announced. */
export function showStep(turn, words) {
  const step = turn.querySelector("[data-step]");
  keepingEndInView(() => {
    step.textContent = words;
    step.hidden = !words;
  });
}

/** The turns as another page of this person, or another program, has left them; those that were fetched before stay. */
export async function show(fresh) {
  const first = fresh.querySelector("#manuscript .turn");
  const known = first && document.getElementById(first.id);
  const earlier = [];
  for (let element = known?.previousElementSibling; element; element = element.previousElementSibling) {
    if (element.matches(".turn, .divider, .earlier")) earlier.unshift(element.outerHTML);
  }
  const there = fresh.querySelector("#manuscript");
  if (earlier.some((html) => html.includes("<article"))) {
    there.querySelector(":scope > .earlier")?.remove();
    const before = fresh.createElement("template");
    before.innerHTML = earlier.join("");
    there.querySelector(":scope > .turn, :scope > .divider").before(before.content);
  }
  await window.htmx.swap({
    text: there.innerHTML,
    target: manuscript,
    swap: "innerMorph",
    sourceElement: manuscript,
  });
}

/** A saved message gives its turn an address, and its margin a source of notes. */
export function nameTurn(turn, messageId, conversationId) {
  const { blank, turnNotes } = manuscript.dataset;
  const margin = turn.querySelector(".margin");
  turn.id = `turn-${messageId}`;
  turn.dataset.message = messageId;
  turn.querySelector(".ask").id = `ask-${messageId}`;
  turn.querySelector(".asked").id = `asked-${messageId}`;
  turn.querySelector(".answered").id = `acts-${messageId}`;
  margin.setAttribute("hx-get", turnNotes.replace(blank, conversationId).replace(blank, messageId));
  margin.setAttribute("hx-trigger", "memories-changed");
  margin.setAttribute("hx-swap", "innerMorph");
  window.htmx.process(margin);
}

/** What has come of a reply so far, as plain paragraphs; where the server has rendered it, the last `piece` is added. */
export function showText(turn, text, piece) {
  const said = turn.querySelector(".say");
  showStep(turn, "");
  keepingEndInView(() => {
    if (rendered.has(turn)) {
      addWords(turn, piece);
      return;
    }
    text.split(/\n{2,}/).forEach((words, index) => {
      const paragraph = said.children[index] ?? said.appendChild(plainParagraph());
      if (paragraph.textContent !== words) paragraph.textContent = words;
    });
  });
}

/** The server's rendering of the `text` so far: blocks that became whole, and the one that still grows. */
export function showRendered(turn, frame, text) {
  keepingEndInView(() => {
    if (showBlocks(turn, frame, text)) rendered.add(turn);
  });
}

/** The turn that was being answered when the page was loaded. */
export function answeringTurn() {
  return manuscript.querySelector("[data-answering]");
}

/** The end of a reply: the server's own rendering of it, or what had come until then, and why it ended early if it did.
    The `receipt` says in a line who wrote it, where no row can say so later. */
export function finishTurn(turn, html, trouble, receipt) {
  const said = turn.querySelector(".say");
  showStep(turn, "");
  delete turn.dataset.answering;
  rendered.delete(turn);
  keepingEndInView(() => {
    if (html) {
      said.innerHTML = html;
      dress(turn);
    }
    if (trouble) {
      said.after(copyOf("trouble-template"));
      turn.querySelector(".trouble span").textContent = trouble;
    }
    turn.querySelector(".answered").hidden = !said.textContent;
    if (receipt) {
      const parts = receipt.line.filter(Boolean).map((words) => {
        const part = document.createElement("span");
        part.textContent = words;
        return part;
      });
      turn.querySelector("[data-colophon]").replaceChildren(...parts.flatMap((part) => [part, " "]));
    }
    said.setAttribute("aria-busy", "false");
  });
  return said.textContent;
}

export function refreshNotes(turn) {
  // From now on notes arrive while somebody looks: they may slide in.
  manuscript.classList.add("live");
  const margin = turn.querySelector(".margin");
  if (turn.dataset.mode === "incognito") margin.replaceChildren(copyOf("not-kept-template"));
  else if (turn.dataset.message) window.htmx.trigger(margin, "memories-changed");
}

export function refreshNotesOf(messageIds) {
  for (const messageId of new Set(messageIds)) {
    const turn = document.getElementById(`turn-${messageId}`);
    if (turn) refreshNotes(turn);
  }
}

/** A line where the privacy mode changed; none before the first turn, and never two in a row. */
export function showDivider(mode) {
  if (manuscript.lastElementChild?.matches(".divider")) manuscript.lastElementChild.remove();
  const last = turns().at(-1);
  if (!last || last.dataset.mode === mode) return;
  manuscript.append(copyOf(`divider-${mode}`));
  scrollToEnd();
}

/** Puts a conversation that has just begun at the head of the list beside the page. */
export function listConversation(address, title) {
  const list = document.getElementById("conversations");
  const entry = copyOf("entry-template");
  const link = entry.querySelector("a");
  link.href = address;
  link.textContent = title;
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  link.setAttribute("aria-current", "page");
  list.querySelector("[data-newest]").prepend(entry);
}
