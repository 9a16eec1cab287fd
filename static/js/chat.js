/* The chat page: carries frames between the pen, the socket and the manuscript. docs/architecture.md names the frames. */

import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { copy } from "./copying.js";
import * as editor from "./editor.js";
import * as manuscript from "./manuscript.js";
import * as notice from "./notice.js";

const TITLE_LENGTH = 48;
/** The code by which a server closes a socket on which too much came. Some just drop it, which is no code at all. */
const TOO_MUCH = 1009;
const TRIES = 2;
/** Changes that follow each other closely are looked at together; those of a turn of our own are known already. */
const SOON = 150;
const OWN_CHANGES = 2;
const OWN_CHANGES_KNOWN = 3000;
const ASKS_TO_REMEMBER = /^(?:please,? )?(?:remember|note|keep in mind|don['’]t forget)\b/i;

const root = document.documentElement;
const page = document.getElementById("manuscript").dataset;
const form = document.getElementById("pen");
const pen = document.getElementById("message");
const sendButton = document.getElementById("send");
const stopButton = document.getElementById("stop");
const penTrouble = document.getElementById("pen-trouble");
const announcer = document.getElementById("announcer");
const heading = document.querySelector(".topline h1");
const profile = document.getElementById("profile");

const WAITING = "Waiting for the connection…";
const LOST = "The connection is lost. Trying again…";
const FULL = `A message can have ${pen.maxLength.toLocaleString("en")} characters, and no more fit in.`;

let conversation = page.conversation;
/** What was sent and is not yet known to have arrived: `{client_message_id, text, privacy_mode, profile_id?, edits?}`.
    The pen, or the editor of the message that it `edits`, still holds it. */
let pending = null;
/** How often that was sent, each time on another socket. */
let tries = 0;
/** What was sent in vain, and stands in the pen still: sent again as it is, it keeps its id, so that nothing is said twice. */
let dropped = null;
/** The reply that is being written: the element of its turn, the server's name for it, its text, the last delta's number,
    and whether it stands beside another one. */
let running = null;
/** The last turn of an incognito stretch, by which a socket that comes back finds it: `{turn, after}`. */
let unkept = null;
/** How many changes of the conversation are still to be told that this page has made itself. */
let ownChanges = 0;
/** Whether something changed elsewhere while this page was not free to look. */
let isStale = false;
/** How often something was sent or asked for here: what was fetched before the last of it is out of date. */
let moves = 0;
let catchingUp;

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
  const command = commands.read(pen.value);
  if (command) {
    write("");
    commands.run(command);
    return;
  }
  notice.clear();
  deliver({ text: pen.value });
}

/** `message`: its `text`, and what it `edits` if it is to stand in the place of another. */
function deliver(message) {
  const asked = { ...message, privacy_mode: mode(), ...(!conversation && profile && { profile_id: profile.value }) };
  const isDropped = dropped && Object.entries(asked).every(([name, value]) => dropped[name] === value);
  pending = isDropped ? dropped : { client_message_id: crypto.randomUUID(), ...asked };
  tries = 0;
  moves += 1;
  hold(true);
  penTrouble.textContent = handOver() ? "" : WAITING;
  showButtons();
}

function hold(isHeld) {
  if (!pending?.edits) pen.readOnly = isHeld;
  else editor.hold(isHeld);
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
  hold(false);
  pending = null;
  showButtons();
}

/** The server has the words: they leave the pen and stand in the manuscript. */
function moveToManuscript(messageId) {
  const { text, privacy_mode: itsMode, edits } = pending;
  dropped = null;
  penTrouble.textContent = "";
  releasePen();
  if (edits) {
    editor.close();
    manuscript.cutFrom(edits);
  } else {
    pen.value = "";
    growPen();
  }
  const element = manuscript.addTurn(text, itsMode);
  if (messageId) manuscript.nameTurn(element, messageId, conversation);
  expectAnswer(element);
  if (edits) pen.focus();
  if (itsMode === "pause_memories" && ASKS_TO_REMEMBER.test(text.trim())) {
    notice.showTemplate("switch-template", "Paused: this is not kept.");
  }
}

/** From here on an answer is expected in this turn. */
function expectAnswer(element, isAgain = false) {
  running = { element, turn: null, text: "", after: 0, isAgain };
  ownChanges = OWN_CHANGES;
  moves += 1;
  showButtons();
}

/** Another answer, beside those that the message has. */
function answerAgain(turn) {
  if (pending || running || editor.isOpen()) return;
  if (!connection.send({ type: "reply.again", message_id: turn.dataset.message })) {
    penTrouble.textContent = LOST;
    return;
  }
  notice.clear();
  manuscript.clearAnswer(turn);
  expectAnswer(turn, true);
  pen.focus();
}

function edit(turn) {
  if (pending || running || mode() === "incognito") return;
  editor.open(turn, (text) => deliver({ text, edits: turn.dataset.message }));
}

function stop() {
  connection.send({ type: "reply.stop" });
}

function endReply(html, trouble, receipt = null) {
  if (!running) return;
  const { element, turn, after } = running;
  unkept = element.dataset.mode === "incognito" ? { turn, after } : null;
  running = null;
  announcer.textContent = [manuscript.finishTurn(element, html, trouble, receipt), trouble].filter(Boolean).join(" ");
  manuscript.refreshNotes(element);
  showButtons();
  setTimeout(() => (ownChanges = 0), OWN_CHANGES_KNOWN);
  if (isStale) catchUpSoon();
}

function catchUpSoon() {
  clearTimeout(catchingUp);
  catchingUp = setTimeout(catchUp, SOON);
}

/** Something was said, answered, flipped or taken away by another page of this person, or by a program of theirs. */
async function catchUp() {
  // What is said incognito stands on this page alone, and would go with a fresh one.
  const isFree = () => conversation && !pending && !running && !editor.isOpen() && !manuscript.hasUnkeptTurns();
  isStale = !isFree();
  if (isStale) return;
  const before = moves;
  const response = await fetch(location.href).catch(() => null);
  if (response?.status === 404) penTrouble.textContent = "This conversation was deleted.";
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  isStale = !isFree();
  if (isStale) return;
  if (before !== moves) {
    catchUpSoon();
    return;
  }
  await manuscript.show(fresh);
  heading.textContent = fresh.querySelector(".topline h1").textContent;
  document.title = fresh.title;
  joinAnswer(true);
}

/** The turn that is being answered already, by whichever page it was asked. */
function joinAnswer(isOpen) {
  const answering = manuscript.answeringTurn();
  if (!answering || running) return;
  manuscript.waitForWords(answering);
  running = { element: answering, turn: answering.dataset.message, text: "", after: 0 };
  showButtons();
  if (isOpen) askForTheRest();
}

function titleOf(text) {
  const line = text.trim().split("\n")[0];
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH).trimEnd()}…` : line;
}

function setMode(chosen) {
  const radio = form.querySelector(`[name=privacy_mode][value=${chosen}]`);
  if (radio.checked) return;
  radio.checked = true;
  tellMode();
}

function tellMode() {
  connection.send({ type: "privacy.set", mode: mode() });
  showMode();
  manuscript.showDivider(mode());
}

function showMode() {
  root.dataset.mode = mode();
  if (!conversation) heading.textContent = mode() === "incognito" ? "Not kept" : "New conversation";
}

const STEPS = {
  search_memories: "Searching memories …",
  save_memory: "Saving …",
  delete_memory: "Looking for what to forget …",
};

function atHand(count) {
  return count === 1 ? "1 memory at hand" : `${count || "No"} memories at hand`;
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
    if (running && running.element.dataset.mode !== "incognito") manuscript.showStep(running.element, STEPS.search_memories);
    showButtons();
  },
  "reply.step": ({ tool, found }) => {
    if (!running || running.text) return;
    manuscript.showStep(running.element, found === null ? (STEPS[tool] ?? "") : atHand(found));
  },
  "reply.delta": ({ seq, text }) => {
    if (!running || seq <= running.after) return;
    if (seq > running.after + 1) {
      askForTheRest();
      return;
    }
    running.after = seq;
    running.text += text;
    manuscript.showText(running.element, running.text, text);
  },
  "reply.rendered": (frame) => running && manuscript.showRendered(running.element, frame, running.text),
  "reply.finished": ({ html, receipt }) => endReply(html, "", receipt),
  "reply.stopped": ({ html, receipt }) => endReply(html, "Stopped here.", receipt),
  "reply.failed": ({ message }) => (running?.isAgain ? giveUpAnswer(message) : endReply("", message)),
  "conversation.changed": () => {
    if (ownChanges > 0) ownChanges -= 1;
    else catchUpSoon();
  },
  "memory.changed": ({ events }) => manuscript.refreshNotesOf(events.map((event) => event.message_id)),
  error: ({ message }) => {
    if (running?.isAgain && !running.turn) giveUpAnswer(message);
    else penTrouble.textContent = message;
    if (pending) releasePen();
  },
};

/** Another answer was asked for in vain: the turn becomes what it was. */
function giveUpAnswer(message) {
  penTrouble.textContent = message;
  running = null;
  ownChanges = 0;
  showButtons();
  catchUp();
}

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
    if (isAgain && !running) catchUpSoon();
    else if (isAgain) manuscript.turns().slice(-3).forEach(manuscript.refreshNotes);
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

const commands = new Commands(pen, {
  mode,
  setMode,
  write,
  place: () => (conversation ? { conversation } : { profile: profile?.value ?? "" }),
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

pen.addEventListener("keydown", (event) => {
  if (event.isComposing || event.shiftKey) return;
  if (event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "ArrowUp" && !pen.value) {
    const own = manuscript.turns().findLast((turn) => turn.dataset.message);
    if (!own) return;
    event.preventDefault();
    edit(own);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !running || document.querySelector("dialog[open]")) return;
  stop();
});

pen.addEventListener("input", () => {
  growPen();
  if (pen.value.length >= pen.maxLength) penTrouble.textContent = FULL;
  else takeBack(FULL);
});

stopButton.addEventListener("click", () => {
  stop();
  pen.focus();
});

form.addEventListener("change", (event) => {
  if (event.target.name === "privacy_mode") tellMode();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-switch]")) return;
  setMode("normal");
  notice.say("Normal from here: say it again, and it is kept.");
  pen.focus();
});

// Each profile has a mode in which its conversations begin.
profile?.addEventListener("change", () => setMode(profile.selectedOptions[0].dataset.mode));

document.addEventListener("command", ({ detail }) => {
  pen.focus();
  commands.run({ name: detail, words: "" });
});

document.getElementById("manuscript").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const turn = button?.closest(".turn");
  if (button?.matches("[data-suggestion]")) write(button.querySelector("span").textContent);
  if (button?.matches("[data-again]")) {
    if (turn.dataset.message) answerAgain(turn);
    else write(turn.querySelector(".ask").textContent);
  }
  if (button?.matches("[data-another]")) answerAgain(turn);
  if (button?.matches("[data-edit]")) edit(turn);
  if (button?.matches("[data-copy]")) copy(button, turn.querySelector(".say").innerText);
});

// A reload ends an incognito stretch and loses what was sent and not saved, so the browser asks first.
window.addEventListener("beforeunload", (event) => {
  if (pending || manuscript.hasUnkeptTurns()) event.preventDefault();
});

// A browser may bring back the choice made before a reload; the paper follows what is shown.
showMode();
manuscript.turns().forEach(manuscript.dress);
joinAnswer(false);
showButtons();
if (manuscript.turns().length && !location.hash) manuscript.scrollToEnd();
connection.open();
