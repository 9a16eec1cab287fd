/* The reply that is being written, from the moment it is expected to its end, whichever page asked for it. */

import * as manuscript from "./manuscript.js";

const STEPS = {
  search_memories: "Searching memories …",
  save_memory: "Saving …",
  delete_memory: "Looking for what to forget …",
};

const announcer = document.getElementById("announcer");

function atHand(count) {
  return count === 1 ? "1 memory at hand" : `${count || "No"} memories at hand`;
}

export class Answering {
  /** The element of its turn, the server's name for it, its text, the last delta's number, and whether it stands beside
      another one; null when nothing is being written. */
  #running = null;
  /** The last turn of an incognito stretch, by which a socket that comes back finds it: `{turn, after}`. */
  unkept = null;

  /** `changed` hears when a reply is expected and when there is none any more. */
  constructor({ send, changed }) {
    Object.assign(this, { send, changed });
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** Whether another answer was asked for, and not begun yet unless `isBegun`. */
  isAgain(isBegun = true) {
    return Boolean(this.#running?.isAgain && (isBegun || !this.#running.turn));
  }

  expect(element, isAgain = false) {
    this.#running = { element, turn: null, text: "", after: 0, isAgain };
    this.changed();
  }

  /** The turn that is being answered already, by whichever page it was asked. */
  join(isOpen) {
    const element = manuscript.answeringTurn();
    if (!element || this.#running) return;
    manuscript.waitForWords(element);
    this.#running = { element, turn: element.dataset.message, text: "", after: 0 };
    this.changed();
    if (isOpen) this.askForTheRest();
  }

  /** Whether there is one of which more can be asked for. */
  askForTheRest() {
    if (!this.#running?.turn) return false;
    this.send({ type: "reply.resume", turn: this.#running.turn, after: this.#running.after });
    return true;
  }

  started({ turn }) {
    const running = this.#running;
    if (!running) return;
    running.turn = turn;
    if (running.element.dataset.mode !== "incognito") manuscript.showStep(running.element, STEPS.search_memories);
  }

  step({ tool, found }) {
    if (!this.#running || this.#running.text) return;
    manuscript.showStep(this.#running.element, found === null ? (STEPS[tool] ?? "") : atHand(found));
  }

  delta({ seq, text }) {
    const running = this.#running;
    if (!running || seq <= running.after) return;
    if (seq > running.after + 1) {
      this.askForTheRest();
      return;
    }
    running.after = seq;
    running.text += text;
    manuscript.showText(running.element, running.text, text);
  }

  rendered(frame) {
    if (this.#running) manuscript.showRendered(this.#running.element, frame, this.#running.text);
  }

  /** Whether there was one to end. */
  end(html, trouble, receipt = null) {
    if (!this.#running) return false;
    const { element, turn, after } = this.#running;
    this.unkept = element.dataset.mode === "incognito" ? { turn, after } : null;
    this.#running = null;
    announcer.textContent = [manuscript.finishTurn(element, html, trouble, receipt), trouble].filter(Boolean).join(" ");
    manuscript.refreshNotes(element);
    this.changed();
    return true;
  }

  giveUp() {
    this.#running = null;
    this.changed();
  }
}
