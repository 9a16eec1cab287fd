/* Copying an answer; the button says that it is done. */

const announcer = document.getElementById("announcer");

export async function copy(button, words) {
  await navigator.clipboard.writeText(words);
  const label = button.querySelector("span");
  label.textContent = announcer.textContent = "Copied";
  setTimeout(() => (label.textContent = "Copy"), 2000);
}
