/* A WebSocket that comes back: growing pauses between tries, and none when the server has refused for a reason. */

const PAUSES = [500, 1000, 2000, 4000, 8000, 15000];
const REFUSED_FROM = 4000;

export class Connection {
  #socket = null;
  #failures = 0;
  #hasBeenOpen = false;
  #timer = null;

  /** `address` is asked anew for each try, since a conversation gets its own once it is opened. */
  constructor({ address, opened, received, lost, refused }) {
    Object.assign(this, { address, opened, received, lost, refused });
    window.addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const socket = new WebSocket(this.address());
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.opened(this.#hasBeenOpen);
      this.#hasBeenOpen = true;
    });
    socket.addEventListener("message", (event) => {
      // Only a socket on which something came has done its work: one may open and be dropped again and again.
      this.#failures = 0;
      const frame = JSON.parse(event.data);
      this.received(frame);
      // What stands beside the chat hears of it too.
      document.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    });
    socket.addEventListener("close", (event) => this.#closed(event.code));
  }

  /** Whether the frame left; one that did not is for the caller to send again when the socket has opened. */
  send(frame) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #closed(code) {
    if (code >= REFUSED_FROM) {
      this.refused(code);
      return;
    }
    const pause = PAUSES[Math.min(this.#failures, PAUSES.length - 1)];
    this.#failures += 1;
    // A share of chance keeps a thousand pages from coming back in the same moment.
    this.#timer = setTimeout(() => this.open(), pause * (0.75 + Math.random() / 2));
    this.lost(code);
  }

  #retryNow() {
    if (this.#timer !== null) this.open();
  }
}
