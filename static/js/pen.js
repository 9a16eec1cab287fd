/* The pen: the words in it, the privacy mode chosen beside them, its two buttons, and the sentence of trouble below. */

export const form = document.getElementById("pen");
export const field = document.getElementById("message");
export const sendButton = document.getElementById("send");
export const stopButton = document.getElementById("stop");

const trouble = document.getElementById("pen-trouble");
const FULL = `A message can have ${field.maxLength.toLocaleString("en")} characters, and no more fit in.`;

export function mode() {
  return form.elements.privacy_mode.value;
}

/** Whether that was another mode than before. */
export function chooseMode(chosen) {
  const radio = form.querySelector(`[name=privacy_mode][value=${chosen}]`);
  if (radio.checked) return false;
  radio.checked = true;
  return true;
}

/** Words in the pen's place, to be gone on with. */
export function write(text) {
  put(text);
  field.focus();
}

export function empty() {
  put("");
}

function put(text) {
  field.value = text;
  grow();
}

function grow() {
  if (CSS.supports("field-sizing: content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

export function hold(isHeld) {
  field.readOnly = isHeld;
}

/** Whether the words are too many; then that is said. */
export function isTooLong() {
  const { length } = [...field.value.trim()];
  if (length <= field.maxLength) return false;
  const [is, allowed] = [length, field.maxLength].map((count) => count.toLocaleString("en"));
  say(`The message is too long: ${is} characters, and at most ${allowed} are allowed.`);
  return true;
}

export function showButtons(isAnswering, isSending) {
  sendButton.hidden = isAnswering;
  stopButton.hidden = !isAnswering;
  sendButton.disabled = isSending;
}

export function say(sentence) {
  trouble.textContent = sentence;
}

/** What is no trouble any more, if it is that which stands there. */
export function takeBack(...sentences) {
  if (sentences.includes(trouble.textContent)) say("");
}

field.addEventListener("input", () => {
  grow();
  if (field.value.length >= field.maxLength) say(FULL);
  else takeBack(FULL);
});
