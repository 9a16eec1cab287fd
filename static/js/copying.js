/* Copying an answer; the button says that it is done. */

const announcer = document.getElementById("announcer");

export async function copy(button, words) {
  await navigator.clipboard.writeText(words);
  const label = button.querySelector("span");
  label.textContent = announcer.textContent = "Copied";
  // Where there is no room for words there is some for this one.
  button.classList.add("copied");
  setTimeout(() => {
    label.textContent = "Copy";
    button.classList.remove("copied");
  }, 2000);
}
