/* An answer while it is written, as the server renders it: whole blocks stay, the last one is put anew or grows by words. */

/** Answer → the nodes of each of its blocks, the open one last. */
const shown = new WeakMap();

export function forget(said) {
  shown.delete(said);
}

/** `html` are the blocks that became whole, `closed` how many there are by now, `open` the one that still grows. */
export function show(said, { closed, html, open }) {
  const start = closed - html.length;
  const blocks = shown.get(said) ?? [];
  // A frame was missed: the whole picture comes with the rest of the reply, or with its end.
  if (start > 0 && blocks.length <= start) return;
  if (!blocks.length) said.replaceChildren();
  blocks.splice(start).flat().forEach((node) => node.remove());
  for (const block of [...html, open]) blocks.push(append(said, block));
  shown.set(said, blocks);
}

/** Words join the block that grows. False where nothing was rendered yet: words alone are shown as they are. */
export function addWords(said, words) {
  const open = shown.get(said)?.at(-1);
  if (!open) return false;
  const element = open.findLast((node) => node.nodeType === Node.ELEMENT_NODE);
  const code = element?.querySelector("pre code");
  if (code) code.append(words);
  else if (element) placeFor(element).append(words);
  else open.push(...append(said, "<p></p>")), open.at(-1).append(words);
  return true;
}

/** The innermost last element that holds words: the last item of a list, the last cell of a table. */
function placeFor(element) {
  const last = element.lastElementChild;
  const isBlock = last?.matches("p, li, ul, ol, blockquote, table, thead, tbody, tr, td, th, div, h1, h2, h3, h4, h5, h6");
  return isBlock ? placeFor(last) : element;
}

function append(said, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const nodes = [...template.content.childNodes];
  said.append(template.content);
  return nodes;
}
