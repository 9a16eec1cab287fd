/* Copying an answer, or the code in it; the button says that it is done. */

const announcer = document.getElementById("announcer");

/** What is said, without what the page adds to it. */
export function wordsOf(said) {
  const buttons = said.querySelectorAll(".code > button");
  buttons.forEach((button) => (button.hidden = true));
  const words = said.innerText;
  buttons.forEach((button) => (button.hidden = false));
  return words;
}

export async function copy(button, words) {
  await navigator.clipboard.writeText(words);
  const label = button.querySelector("span");
  label.textContent = announcer.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 2000);
}
