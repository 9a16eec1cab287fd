/* The chat page: carries frames between the pen, the socket and the manuscript. docs/architecture.md names the frames. */

import { Connection } from "./connection.js";
import * as manuscript from "./manuscript.js";

const TITLE_LENGTH = 48;
/** The code by which a server closes a socket on which too much came. Some just drop it, which is no code at all. */
const TOO_MUCH = 1009;
const TRIES = 2;

const root = document.documentElement;
const page = document.getElementById("manuscript").dataset;
const form = document.getElementById("pen");
const pen = document.getElementById("message");
const sendButton = document.getElementById("send");
const stopButton = document.getElementById("stop");
const penTrouble = document.getElementById("pen-trouble");
const announcer = document.getElementById("announcer");
const heading = document.querySelector(".topline h1");

const WAITING = "Waiting for the connection…";
const LOST = "The connection is lost. Trying again…";
const FULL = `A message can have ${pen.maxLength.toLocaleString("en")} characters, and no more fit in.`;

let conversation = page.conversation;
/** What was sent and is not yet known to have arrived: `{client_message_id, text, privacy_mode}`. The pen still holds it. */
let pending = null;
/** How often that was sent, each time on another socket. */
let tries = 0;
/** What was sent in vain, and stands in the pen still: sent again as it is, it keeps its id, so that nothing is said twice. */
let dropped = null;
/** The reply that is being written: the element of its turn, the server's name for it, its text, the last delta's number. */
let running = null;
/** The last turn of an incognito stretch, by which a socket that comes back finds it: `{turn, after}`. */
let unkept = null;

function mode() {
  return form.elements.privacy_mode.value;
}

function showButtons() {
  sendButton.hidden = running !== null;
  stopButton.hidden = running === null;
  sendButton.disabled = pending !== null;
}

function growPen() {
  if (CSS.supports("field-sizing: content")) return;
  pen.style.height = "auto";
  pen.style.height = `${pen.scrollHeight}px`;
}

function write(text) {
  pen.value = text;
  growPen();
  pen.focus();
}

function send() {
  if (pending || running || !pen.value.trim()) return;
  const { length } = [...pen.value.trim()];
  if (length > pen.maxLength) {
    const [is, allowed] = [length, pen.maxLength].map((count) => count.toLocaleString("en"));
    penTrouble.textContent = `The message is too long: ${is} characters, and at most ${allowed} are allowed.`;
    return;
  }
  const isDropped = dropped?.text === pen.value && dropped.privacy_mode === mode();
  pending = isDropped ? dropped : { client_message_id: crypto.randomUUID(), text: pen.value, privacy_mode: mode() };
  tries = 0;
  pen.readOnly = true;
  penTrouble.textContent = handOver() ? "" : WAITING;
  showButtons();
}

function handOver() {
  const isSent = connection.send({ type: "message.send", ...pending });
  if (isSent) tries += 1;
  return isSent;
}

/** The message may be what the connection breaks on: it goes back to the person instead of round and round. */
function dropMessage(code) {
  dropped = pending;
  releasePen();
  penTrouble.textContent =
    code === TOO_MUCH
      ? "The message is too long to be sent. Make it shorter, and send it again."
      : "The message did not get through: twice the connection was lost over it. Send it again, or make it shorter.";
}

function takeBack(...sentences) {
  if (sentences.includes(penTrouble.textContent)) penTrouble.textContent = "";
}

function releasePen() {
  pending = null;
  pen.readOnly = false;
  showButtons();
}

/** The server has the words: they leave the pen and stand in the manuscript. */
function moveToManuscript(messageId) {
  dropped = null;
  const element = manuscript.addTurn(pending.text, pending.privacy_mode);
  if (messageId) manuscript.nameTurn(element, messageId, conversation);
  running = { element, turn: null, text: "", after: 0 };
  penTrouble.textContent = "";
  pen.value = "";
  growPen();
  releasePen();
}

function endReply(html, trouble) {
  if (!running) return;
  const { element, turn, after } = running;
  unkept = mode() === "incognito" ? { turn, after } : null;
  running = null;
  announcer.textContent = [manuscript.finishTurn(element, html, trouble), trouble].filter(Boolean).join(" ");
  manuscript.refreshNotes(element);
  showButtons();
}

function titleOf(text) {
  const line = text.trim().split("\n")[0];
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH).trimEnd()}…` : line;
}

function showMode() {
  root.dataset.mode = mode();
  if (!conversation) heading.textContent = mode() === "incognito" ? "Not kept" : "New conversation";
}

const handlers = {
  "conversation.opened": ({ id }) => {
    if (conversation === id) return;
    conversation = id;
    const title = titleOf(pending?.text ?? "") || "New conversation";
    const address = page.address.replace(page.blank, id);
    history.replaceState(null, "", address);
    manuscript.listConversation(address, title);
    heading.textContent = title;
    document.title = `${title} · MemoryChat`;
  },
  "message.saved": ({ client_message_id: clientId, id }) => {
    if (pending?.client_message_id === clientId) moveToManuscript(id);
  },
  "reply.started": ({ turn }) => {
    // What is said incognito is never saved: the start of its reply says that it has arrived.
    if (pending) moveToManuscript(null);
    if (running) running.turn = turn;
    showButtons();
  },
  "reply.delta": ({ seq, text }) => {
    if (!running || seq <= running.after) return;
    if (seq > running.after + 1) {
      askForTheRest();
      return;
    }
    running.after = seq;
    running.text += text;
    manuscript.showText(running.element, running.text);
  },
  "reply.finished": ({ html }) => endReply(html, ""),
  "reply.stopped": ({ html }) => endReply(html, "Stopped here."),
  "reply.failed": ({ message }) => endReply("", message),
  "memory.changed": ({ events }) => manuscript.refreshNotesOf(events.map((event) => event.message_id)),
  error: ({ message }) => {
    penTrouble.textContent = message;
    if (pending) releasePen();
  },
};

function askForTheRest() {
  connection.send({ type: "reply.resume", turn: running.turn, after: running.after });
}

const connection = new Connection({
  address: () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}${page.socket}${conversation && `${conversation}/`}`;
  },
  opened: (isAgain) => {
    takeBack(WAITING, LOST);
    // What was learnt of the latest turns meanwhile was told to nobody.
    if (isAgain) manuscript.turns().slice(-3).forEach(manuscript.refreshNotes);
    if (running?.turn) askForTheRest();
    else if (unkept && mode() === "incognito") connection.send({ type: "reply.resume", ...unkept });
    if (pending) handOver();
  },
  received: (frame) => handlers[frame.type]?.(frame),
  lost: (code) => {
    if (pending && (code === TOO_MUCH || tries >= TRIES)) dropMessage(code);
    else if (pending || running) penTrouble.textContent = LOST;
  },
  refused: () => {
    endReply("", "The connection was closed.");
    releasePen();
    penTrouble.textContent = "This conversation cannot be reached. Load the page again; you may have to sign in.";
  },
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

pen.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

pen.addEventListener("input", () => {
  growPen();
  if (pen.value.length >= pen.maxLength) penTrouble.textContent = FULL;
  else takeBack(FULL);
});

stopButton.addEventListener("click", () => {
  connection.send({ type: "reply.stop" });
  pen.focus();
});

form.addEventListener("change", (event) => {
  if (event.target.name !== "privacy_mode") return;
  connection.send({ type: "privacy.set", mode: mode() });
  showMode();
  manuscript.showDivider(mode());
});

document.getElementById("manuscript").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const turn = button?.closest(".turn");
  if (button?.matches("[data-suggestion]")) write(button.querySelector("span").textContent);
  if (button?.matches("[data-again]")) write(turn.querySelector(".ask").textContent);
  if (button?.matches("[data-copy]")) copy(button.querySelector("span"), turn.querySelector(".say").innerText);
});

async function copy(label, text) {
  await navigator.clipboard.writeText(text);
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 2000);
}

// A reload ends an incognito stretch and loses what was sent and not saved, so the browser asks first.
window.addEventListener("beforeunload", (event) => {
  if (pending || manuscript.hasUnkeptTurns()) event.preventDefault();
});

// A browser may bring back the choice made before a reload; the paper follows what is shown.
showMode();
manuscript.turns().forEach(manuscript.linkCitations);
const answering = manuscript.answeringTurn();
if (answering) running = { element: answering, turn: answering.dataset.message, text: "", after: 0 };
showButtons();
if (manuscript.turns().length && !location.hash) manuscript.scrollToEnd();
connection.open();
