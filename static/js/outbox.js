/* What was sent and is not yet known to have arrived. The pen, or the editor of the message that it edits, holds it still. */

import * as conversation from "./conversation.js";
import * as editor from "./editor.js";
import * as pen from "./pen.js";

export const WAITING = "Waiting for the connection…";
/** The code by which a server closes a socket on which too much came. Some just drop it, which is no code at all. */
const TOO_MUCH = 1009;
const TRIES = 2;

export class Outbox {
  /** `{client_message_id, text, privacy_mode, profile_id?, edits?}`, or null. */
  message = null;
  /** How often that was sent, each time on another socket. */
  #tries = 0;
  /** What was sent in vain, and stands in the pen still: sent again as it is, it keeps its id, so that nothing is said
      twice. */
  #dropped = null;

  /** `send(frame)` says whether it left; `changed` hears when the outbox is filled or emptied. */
  constructor({ send, changed }) {
    Object.assign(this, { send, changed });
  }

  /** `message`: its `text`, and what it `edits` if it is to stand in the place of another. */
  put(message) {
    const profile = conversation.chosenProfile();
    const asked = { ...message, privacy_mode: pen.mode(), ...(!conversation.id() && profile && { profile_id: profile }) };
    const dropped = this.#dropped;
    const isDropped = dropped && Object.entries(asked).every(([name, value]) => dropped[name] === value);
    this.message = isDropped ? dropped : { client_message_id: crypto.randomUUID(), ...asked };
    this.#tries = 0;
    this.#hold(true);
    pen.say(this.handOver() ? "" : WAITING);
    this.changed();
  }

  handOver() {
    const isSent = this.send({ type: "message.send", ...this.message });
    if (isSent) this.#tries += 1;
    return isSent;
  }

  /** The server has it. */
  arrived() {
    const message = this.message;
    this.#dropped = null;
    pen.say("");
    this.release();
    return message;
  }

  /** What it holds is the person's again. */
  release() {
    this.#hold(false);
    this.message = null;
    this.changed();
  }

  /** Whether the message may be what the connection breaks on: it goes back to the person instead of round and round. */
  dropsOn(code) {
    if (!this.message || (code !== TOO_MUCH && this.#tries < TRIES)) return false;
    this.#dropped = this.message;
    this.release();
    pen.say(
      code === TOO_MUCH
        ? "The message is too long to be sent. Make it shorter, and send it again."
        : "The message did not get through: twice the connection was lost over it. Send it again, or make it shorter.",
    );
    return true;
  }

  #hold(isHeld) {
    if (!this.message?.edits) pen.hold(isHeld);
    else editor.hold(isHeld);
  }
}
