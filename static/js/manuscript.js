/* The turns on the page. Their markup comes from <template> elements, which hold the fragments the server renders. */

const manuscript = document.getElementById("manuscript");
const NEAR_THE_END = 140;

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

// Notes lengthen the page where the margin lies under its turn.
let wasAtEndBeforeNotes = false;
manuscript.addEventListener("htmx:before:swap", () => (wasAtEndBeforeNotes = isAtEnd()));
manuscript.addEventListener("htmx:after:swap", () => wasAtEndBeforeNotes && scrollToEnd());

export function addTurn(text, mode) {
  manuscript.append(copyOf("turn-template"));
  const turn = manuscript.lastElementChild;
  turn.dataset.mode = mode;
  turn.querySelector(".ask").textContent = text;
  turn.querySelector(".say").setAttribute("aria-busy", "true");
  turn.querySelector(".acts").hidden = true;
  scrollToEnd();
  return turn;
}

/** A saved message gives its turn an address, and its margin a source of notes. */
export function nameTurn(turn, messageId, conversationId) {
  const { blank, turnNotes } = manuscript.dataset;
  const margin = turn.querySelector(".margin");
  turn.id = `turn-${messageId}`;
  turn.dataset.message = messageId;
  turn.querySelector(".ask").id = `ask-${messageId}`;
  margin.setAttribute("hx-get", turnNotes.replace(blank, conversationId).replace(blank, messageId));
  margin.setAttribute("hx-trigger", "memories-changed");
  margin.setAttribute("hx-swap", "innerMorph");
  window.htmx.process(margin);
}

/** What has come of a reply so far, as plain paragraphs. */
export function showText(turn, text) {
  const said = turn.querySelector(".say");
  keepingEndInView(() => {
    text.split(/\n{2,}/).forEach((words, index) => {
      const paragraph = said.children[index] ?? said.appendChild(document.createElement("p"));
      if (paragraph.textContent !== words) paragraph.textContent = words;
    });
  });
}

/** The turn that was being answered when the page was loaded. */
export function answeringTurn() {
  return manuscript.querySelector("[data-answering]");
}

/** The end of a reply: the server's own rendering of it, or what had come until then, and why it ended early if it did. */
export function finishTurn(turn, html, trouble) {
  const said = turn.querySelector(".say");
  keepingEndInView(() => {
    if (html) {
      said.innerHTML = html;
      linkCitations(turn);
    }
    if (trouble) {
      said.after(copyOf("trouble-template"));
      turn.querySelector(".trouble span").textContent = trouble;
    }
    turn.querySelector(".acts").hidden = !said.textContent;
    said.setAttribute("aria-busy", "false");
  });
  return said.textContent;
}

/** The number of a memory in an answer leads to its note in the margin. */
export function linkCitations(turn) {
  for (const mark of turn.querySelectorAll("sup.cite")) {
    const link = document.createElement("a");
    link.href = `#knew-${turn.dataset.message}-${mark.textContent}`;
    link.textContent = mark.textContent;
    link.setAttribute("aria-label", `Memory ${mark.textContent}`);
    mark.replaceChildren(link);
  }
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
  if (manuscript.lastElementChild.matches(".divider")) manuscript.lastElementChild.remove();
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
