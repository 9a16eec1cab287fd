/* The sidebar on every page: the menu of a conversation, its title written in its place, and its list kept fresh. */

const SOON = 300;
const EDGE = 8;
const TELLING = ["conversation.opened", "conversation.changed"];

const list = document.getElementById("conversations");
const menu = document.getElementById("conversation-menu");
let opener = null;
/** Whether the button of the open menu was pressed: that closes the menu, and is not to open it again. */
let isClosing = false;
/** The row in which something was done, until the list has come back. */
let done = null;
let refreshing;

function items() {
  return [...menu.querySelectorAll("a, button")];
}

function isOpen() {
  return menu.matches(":popover-open");
}

/** Below its button, or above it where there is more room, and never beyond the window. */
function place() {
  const button = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = button.bottom + 4;
  const top = below + height + EDGE > innerHeight ? button.top - height - 4 : below;
  menu.style.top = `${Math.max(EDGE, top)}px`;
  menu.style.left = `${Math.max(EDGE, Math.min(button.left, innerWidth - width - EDGE))}px`;
}

function open(form) {
  opener = form.querySelector("button");
  if (!isOpen()) menu.showPopover();
  place();
  opener.setAttribute("aria-expanded", "true");
  items()[0]?.focus();
}

function write(row) {
  const field = row.querySelector("input[name=title]");
  field?.focus();
  field?.select();
}

/** Not while a title is being written there. */
function refresh() {
  if (!list.querySelector(".renaming")) window.htmx.trigger(list, "conversations-changed");
}

function refreshSoon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, SOON);
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
  if (target === menu) open(ctx.sourceElement);
  else if (target === list) keepFocus();
  else if (target?.matches("li[id^=entry-]")) write(target);
});

/** What was done may have taken the focus away with what it stood on. */
function keepFocus() {
  const row = done && document.getElementById(done);
  if (done && document.activeElement === document.body) (row?.querySelector("a") ?? list).focus();
  done = null;
}

document.addEventListener("pointerdown", (event) => {
  isClosing = isOpen() && event.target.closest?.(".row-button") === opener;
}, true);

document.addEventListener("submit", (event) => {
  if (menu.contains(event.target)) done = opener.closest("li")?.id;
  else if (event.target.matches(".renaming")) done = event.target.closest("li").id;
  if (!isClosing || event.submitter !== opener) return;
  isClosing = false;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

menu.addEventListener("toggle", ({ newState }) => {
  if (newState !== "closed" || !opener) return;
  opener.setAttribute("aria-expanded", "false");
  const { activeElement } = document;
  if (activeElement === document.body || menu.contains(activeElement)) opener.focus();
});

// What was chosen is on its way: the menu is done with.
menu.addEventListener("click", (event) => {
  if (event.target.closest("a, button")) setTimeout(() => menu.hidePopover());
});

menu.addEventListener("keydown", (event) => {
  const all = items();
  const at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  all.at(next % all.length).focus();
});

list.addEventListener("keydown", (event) => {
  const cancel = event.key === "Escape" && event.target.closest(".renaming")?.querySelector("[data-cancel]");
  if (!cancel) return;
  event.preventDefault();
  cancel.click();
});

// A page that nobody sees looks when it is seen again.
document.addEventListener("frame", ({ detail }) => TELLING.includes(detail.type) && !document.hidden && refreshSoon());
// Another page may have changed what this one lists.
document.addEventListener("visibilitychange", () => document.hidden || refreshSoon());
