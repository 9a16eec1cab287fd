/* Slash commands: the menu above the pen, and what each command does. Words travel by POST, never in an address. */

import * as notice from "./notice.js";
import { showKeys } from "./palette.js";

const COMMAND = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i;
const MODES = { normal: "normal", pause: "pause_memories", incognito: "incognito" };
const NAMES = { normal: "Normal", pause_memories: "Paused", incognito: "Incognito" };
/** What a command that needs memories is told where they are not read, or nothing new is kept. To forget something by one's
    own hand is no learning, so Paused allows it. */
const REFUSALS = {
  remember: { pause_memories: "nothing is remembered by a command.", incognito: "nothing is remembered by a command." },
  forget: { incognito: "no memory is read, so none can be looked up to be forgotten." },
};

const menu = document.getElementById("commands");
const options = [...menu.querySelectorAll("[role=option]")];
const doors = document.getElementById("doors");

/** `page` is what the chat page lets commands do: `{mode, setMode, place, write}`. */
export class Commands {
  constructor(pen, page) {
    Object.assign(this, { pen, page });
    pen.addEventListener("input", () => this.#narrow());
    pen.addEventListener("blur", () => setTimeout(() => document.activeElement === pen || this.#close(), 150));
    // Before the pen's own keys: Enter chooses here, and sends there.
    pen.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    menu.addEventListener("mousedown", (event) => event.preventDefault());
    menu.addEventListener("mouseover", (event) => this.#choose(event.target.closest("[role=option]")));
    menu.addEventListener("click", (event) => this.#take(event.target.closest("[role=option]")));
  }

  /** The command that these words are, or null. What only looks like one is a message. */
  read(words) {
    const [, name, rest = ""] = COMMAND.exec(words.trim()) ?? [];
    return options.some((option) => option.dataset.command === name?.toLowerCase())
      ? { name: name.toLowerCase(), words: rest.trim() }
      : null;
  }

  async run({ name, words }) {
    notice.clear();
    if (name === "help") showKeys();
    else if (name in MODES) this.#setMode(name);
    else if (name === "profile") this.#chooseProfile();
    else if (REFUSALS[name][this.page.mode()]) {
      notice.showTemplate("switch-template", `${NAMES[this.page.mode()]}: ${REFUSALS[name][this.page.mode()]}`);
    } else if (!words) this.page.write(`/${name} `);
    else await this.#post(name === "remember" ? doors.dataset.remember : doors.dataset.forgetWhich, words);
  }

  #setMode(name) {
    this.page.setMode(MODES[name]);
    notice.say(`${NAMES[MODES[name]]} from here.`);
  }

  #chooseProfile() {
    const select = document.getElementById("profile");
    if (select) {
      select.focus();
      select.showPicker?.();
    } else {
      notice.showTemplate("other-profile-template");
    }
  }

  async #post(address, words) {
    const body = new FormData(doors);
    Object.entries({ text: words, privacy_mode: this.page.mode(), ...this.page.place() }).forEach(([name, value]) =>
      body.set(name, value),
    );
    try {
      const response = await fetch(address, { method: "POST", body, headers: { "HX-Request": "true" } });
      if (response.ok || response.status === 422) {
        notice.show(await response.text());
        return;
      }
    } catch {
      // Said below.
    }
    this.page.write(`/${address === doors.dataset.remember ? "remember" : "forget"} ${words}`);
    notice.say("That did not work. Nothing was changed; try again in a moment.");
  }

  #shown() {
    return options.filter((option) => !option.hidden);
  }

  get isOpen() {
    return !menu.hidden;
  }

  #narrow() {
    const typed = /^\/([a-z]*)$/i.exec(this.pen.value)?.[1].toLowerCase();
    for (const option of options) option.hidden = typed === undefined || !option.dataset.command.startsWith(typed);
    menu.hidden = this.#shown().length === 0;
    this.#choose(menu.hidden ? null : this.#shown()[0]);
  }

  #choose(chosen) {
    for (const option of options) option.setAttribute("aria-selected", option === chosen);
    if (chosen) this.pen.setAttribute("aria-activedescendant", chosen.id);
    else this.pen.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  #close() {
    menu.hidden = true;
    this.#choose(null);
  }

  #key(event) {
    if (!this.isOpen || event.isComposing) return;
    const shown = this.#shown();
    const at = shown.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") this.#choose(shown[(at + 1) % shown.length]);
    else if (event.key === "ArrowUp") this.#choose(shown.at(at - 1));
    else if (event.key === "Enter" || event.key === "Tab") this.#take(shown[at]);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #take(option) {
    if (!option) return;
    this.#close();
    if ("takesWords" in option.dataset) {
      this.page.write(`/${option.dataset.command} `);
      return;
    }
    this.page.write("");
    this.run({ name: option.dataset.command, words: "" });
  }
}

// The card of /forget is answered where it stands.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-command-form]");
  if (!form) return;
  event.preventDefault();
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
  if (response.ok) notice.show(await response.text());
  else notice.say("That did not work. Nothing was forgotten; try again in a moment.");
});
