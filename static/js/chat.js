/* The chat page: carries frames between the pen, the socket and the manuscript. docs/architecture.md names the frames. */

import { Answering } from "./answering.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import * as conversation from "./conversation.js";
import { copy } from "./copying.js";
import * as editor from "./editor.js";
import { Following } from "./following.js";
import * as manuscript from "./manuscript.js";
import * as notice from "./notice.js";
import { Outbox, WAITING } from "./outbox.js";
import * as pen from "./pen.js";

const ASKS_TO_REMEMBER = /^(?:please,? )?(?:remember|note|keep in mind|don['’]t forget)\b/i;
const LOST = "The connection is lost. Trying again…";

const send = (frame) => connection.send(frame);
const changed = () => pen.showButtons(answering.isRunning, outbox.message !== null);
const outbox = new Outbox({ send, changed });
const answering = new Answering({ send, changed });
const following = new Following({
  isBusy: () => outbox.message || answering.isRunning || editor.isOpen(),
  shown: () => answering.join(true),
});

function say() {
  if (outbox.message || answering.isRunning || !pen.field.value.trim() || pen.isTooLong()) return;
  const command = commands.read(pen.field.value);
  if (command) {
    pen.write("");
    commands.run(command);
    return;
  }
  notice.clear();
  deliver({ text: pen.field.value });
}

function deliver(message) {
  following.moved();
  outbox.put(message);
}

/** The server has the words: they leave the pen and stand in the manuscript. */
function moveToManuscript(messageId) {
  const { text, privacy_mode: mode, edits } = outbox.arrived();
  if (edits) {
    editor.close();
    manuscript.cutFrom(edits);
  } else {
    pen.empty();
  }
  const element = manuscript.addTurn(text, mode);
  if (messageId) manuscript.nameTurn(element, messageId, conversation.id());
  expectAnswer(element);
  if (edits) pen.field.focus();
  if (mode === "pause_memories" && ASKS_TO_REMEMBER.test(text.trim())) {
    notice.showTemplate("switch-template", "Paused: this is not kept.");
  }
}

/** From here on an answer is expected in this turn. */
function expectAnswer(element, isAgain = false) {
  following.expectOwnChanges();
  answering.expect(element, isAgain);
}

/** Another answer, beside those that the message has. */
function answerAgain(turn) {
  if (outbox.message || answering.isRunning || editor.isOpen()) return;
  if (!send({ type: "reply.again", message_id: turn.dataset.message })) {
    pen.say(LOST);
    return;
  }
  notice.clear();
  manuscript.clearAnswer(turn);
  expectAnswer(turn, true);
  pen.field.focus();
}

function edit(turn) {
  if (outbox.message || answering.isRunning || pen.mode() === "incognito") return;
  editor.open(turn, (text) => deliver({ text, edits: turn.dataset.message }));
}

function stop() {
  send({ type: "reply.stop" });
}

function endReply(html, trouble, receipt) {
  if (answering.end(html, trouble, receipt)) following.settle();
}

/** Another answer was asked for in vain: the turn becomes what it was. */
function giveUpAnswer(message) {
  pen.say(message);
  following.forgetOwnChanges();
  answering.giveUp();
  following.look();
}

function setMode(chosen) {
  if (pen.chooseMode(chosen)) tellMode();
}

function tellMode() {
  send({ type: "privacy.set", mode: pen.mode() });
  conversation.showMode(pen.mode());
  manuscript.showDivider(pen.mode());
}

const handlers = {
  "conversation.opened": ({ id }) => conversation.open(id, outbox.message?.text ?? ""),
  "message.saved": ({ client_message_id: clientId, id }) => {
    if (outbox.message?.client_message_id === clientId) moveToManuscript(id);
  },
  "reply.started": (frame) => {
    // What is said incognito is never saved: the start of its reply says that it has arrived.
    if (outbox.message) moveToManuscript(null);
    answering.started(frame);
  },
  "reply.step": (frame) => answering.step(frame),
  "reply.delta": (frame) => answering.delta(frame),
  "reply.rendered": (frame) => answering.rendered(frame),
  "reply.finished": ({ html, receipt }) => endReply(html, "", receipt),
  "reply.stopped": ({ html, receipt }) => endReply(html, "Stopped here.", receipt),
  "reply.failed": ({ message }) => (answering.isAgain() ? giveUpAnswer(message) : endReply("", message)),
  // What changed in others is for the list beside the page.
  "conversation.changed": ({ id }) => id === conversation.id() && following.heard(),
  "memory.changed": ({ events }) => manuscript.refreshNotesOf(events.map((event) => event.message_id)),
  error: ({ message }) => {
    if (answering.isAgain(false)) giveUpAnswer(message);
    else pen.say(message);
    if (outbox.message) outbox.release();
  },
};

const connection = new Connection({
  address: conversation.socketAddress,
  opened: (isAgain) => {
    pen.takeBack(WAITING, LOST);
    // What was learnt of the latest turns meanwhile was told to nobody.
    if (isAgain && !answering.isRunning) following.lookSoon();
    else if (isAgain) manuscript.turns().slice(-3).forEach(manuscript.refreshNotes);
    const isAsked = answering.askForTheRest();
    if (!isAsked && answering.unkept && pen.mode() === "incognito") send({ type: "reply.resume", ...answering.unkept });
    if (outbox.message) outbox.handOver();
  },
  received: (frame) => handlers[frame.type]?.(frame),
  lost: (code) => {
    const isDropped = outbox.dropsOn(code);
    if (!isDropped && (outbox.message || answering.isRunning)) pen.say(LOST);
  },
  refused: () => {
    endReply("", "The connection was closed.");
    outbox.release();
    pen.say("This conversation cannot be reached. Load the page again; you may have to sign in.");
  },
});

const commands = new Commands(pen.field, {
  mode: pen.mode,
  setMode,
  write: pen.write,
  place: () => (conversation.id() ? { conversation: conversation.id() } : { profile: conversation.chosenProfile() }),
});

pen.form.addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});

pen.field.addEventListener("keydown", (event) => {
  if (event.isComposing || event.shiftKey) return;
  if (event.key === "Enter") {
    event.preventDefault();
    pen.form.requestSubmit();
  } else if (event.key === "ArrowUp" && !pen.field.value) {
    const own = manuscript.turns().findLast((turn) => turn.dataset.message);
    if (!own) return;
    event.preventDefault();
    edit(own);
  }
});

document.addEventListener("keydown", (event) => {
  const isOurs = event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]");
  if (isOurs && answering.isRunning) stop();
});

pen.stopButton.addEventListener("click", () => {
  stop();
  pen.field.focus();
});

pen.form.addEventListener("change", (event) => {
  if (event.target.name === "privacy_mode") tellMode();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-switch]")) return;
  setMode("normal");
  notice.say("Normal from here: say it again.");
  pen.field.focus();
});

conversation.onProfile(setMode);

document.addEventListener("command", ({ detail }) => {
  pen.field.focus();
  commands.run({ name: detail, words: "" });
});

document.getElementById("manuscript").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const turn = button?.closest(".turn");
  if (button?.matches("[data-suggestion]")) pen.write(button.querySelector("span").textContent);
  if (button?.matches("[data-again]")) {
    if (turn.dataset.message) answerAgain(turn);
    else pen.write(turn.querySelector(".ask").textContent);
  }
  if (button?.matches("[data-another]")) answerAgain(turn);
  if (button?.matches("[data-edit]")) edit(turn);
  if (button?.matches("[data-copy]")) copy(button, turn.querySelector(".say").innerText);
});

// A reload ends an incognito stretch and loses what was sent and not saved, so the browser asks first.
window.addEventListener("beforeunload", (event) => {
  if (outbox.message || manuscript.hasUnkeptTurns()) event.preventDefault();
});

// A browser may bring back the choice made before a reload; the paper follows what is shown.
conversation.showMode(pen.mode());
manuscript.turns().forEach(manuscript.dress);
answering.join(false);
changed();
if (manuscript.turns().length && !location.hash) manuscript.scrollToEnd();
connection.open();
