/* What is said, answered, flipped or taken away by another page of this person, or by a program of theirs, is shown here. */

import * as conversation from "./conversation.js";
import * as manuscript from "./manuscript.js";
import * as pen from "./pen.js";

/** Changes that follow each other closely are looked at together; those of a turn of our own are known already. */
const SOON = 150;
const OWN_CHANGES = 2;
const OWN_CHANGES_KNOWN = 3000;

export class Following {
  /** How many changes of the conversation are still to be told that this page has made itself. */
  #ownChanges = 0;
  /** Whether something changed elsewhere while this page was not free to look. */
  #isStale = false;
  /** How often something was sent or asked for here: what was fetched before the last of it is out of date. */
  #moves = 0;
  #timer;

  /** `isBusy` says whether something is on its way here; `shown` hears that the page was brought up to date. */
  constructor({ isBusy, shown }) {
    Object.assign(this, { isBusy, shown });
  }

  moved() {
    this.#moves += 1;
  }

  expectOwnChanges() {
    this.#ownChanges = OWN_CHANGES;
    this.moved();
  }

  forgetOwnChanges() {
    this.#ownChanges = 0;
  }

  /** A turn of our own is over. */
  settle() {
    setTimeout(() => this.forgetOwnChanges(), OWN_CHANGES_KNOWN);
    if (this.#isStale) this.lookSoon();
  }

  heard() {
    if (this.#ownChanges > 0) this.#ownChanges -= 1;
    else this.lookSoon();
  }

  lookSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), SOON);
  }

  async look() {
    this.#isStale = !this.#isFree();
    if (this.#isStale) return;
    const before = this.#moves;
    const response = await fetch(location.href).catch(() => null);
    if (response?.status === 404) pen.say("This conversation was deleted.");
    if (!response?.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    this.#isStale = !this.#isFree();
    if (this.#isStale) return;
    if (before !== this.#moves) {
      this.lookSoon();
      return;
    }
    await manuscript.show(fresh);
    conversation.showTitle(fresh.querySelector(".topline h1").textContent, fresh.title);
    this.shown();
  }

  /** What is said incognito stands on this page alone, and would go with a fresh one. */
  #isFree() {
    return conversation.id() && !this.isBusy() && !manuscript.hasUnkeptTurns();
  }
}
