/* A message edited in its place: the new words begin a branch of their own, and what the old ones brought may go first. */

let editor = null;

export function isOpen() {
  return editor !== null;
}

export function close() {
  const turn = editor?.closest(".turn");
  editor?.remove();
  editor = null;
  if (!turn) return;
  delete turn.dataset.editing;
  turn.querySelector("[data-edit]").focus();
}

/** While the words are on their way they stay as they are. */
export function hold(isHeld) {
  if (editor) editor.elements.text.readOnly = isHeld;
}

/** `send(words)` says whether they were taken to be sent; the editor stays open until the page closes it. */
export function open(turn, send) {
  close();
  const asked = turn.querySelector(".asked");
  const ask = turn.querySelector(".ask");
  turn.dataset.editing = "";
  ask.before(document.getElementById("editor-template").content.cloneNode(true));
  editor = turn.querySelector(".editor");
  const text = editor.elements.text;
  text.value = ask.textContent;
  offerToTakeBack(Number(asked.dataset.brought ?? 0));
  editor.addEventListener("submit", (event) => {
    event.preventDefault();
    save(asked.dataset.takeBack, send);
  });
  editor.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === text) {
      editor.requestSubmit();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.querySelector("[data-cancel]").addEventListener("click", close);
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
}

function offerToTakeBack(brought) {
  const fieldset = editor.querySelector(".brought");
  fieldset.hidden = brought === 0;
  fieldset.querySelector("legend").textContent =
    brought === 1 ? "This message changed a memory." : `This message made ${brought} changes to your memories.`;
}

async function save(takeBack, send) {
  const words = editor.elements.text.value;
  if (!words.trim() || editor.elements.text.readOnly) return;
  if (editor.elements.brought.value === "take-back" && !(await takenBack(takeBack))) return;
  if (editor) send(words);
}

async function takenBack(address) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  try {
    const response = await fetch(address, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (response.ok) return true;
    sayTrouble(await response.text(), response.headers.get("Location"));
  } catch {
    sayTrouble("The server cannot be reached. Nothing was taken back; try again in a moment.");
  }
  return false;
}

function sayTrouble(sentence, preview = null) {
  const trouble = editor?.querySelector(".editor-trouble");
  if (!trouble) return;
  trouble.textContent = `${sentence} `;
  if (!preview) return;
  const link = document.createElement("a");
  link.href = preview;
  link.textContent = "See what would follow";
  trouble.append(link);
}
