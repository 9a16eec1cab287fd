/* Which conversation the page holds: none until its first message, and then its address, title and place in the list. */

import * as manuscript from "./manuscript.js";

const TITLE_LENGTH = 48;

const page = document.getElementById("manuscript").dataset;
const heading = document.querySelector(".topline h1");
const options = document.getElementById("options");
const profile = document.getElementById("profile");

let current = page.conversation;

export function id() {
  return current;
}

/** Each profile has a mode in which its conversations begin: `choose(mode)` hears of it. */
export function onProfile(choose) {
  profile?.addEventListener("change", () => choose(profile.selectedOptions[0].dataset.mode));
}

/** Where a message or a command belongs while there is no conversation: the profile chosen for it. */
export function chosenProfile() {
  return profile?.value ?? "";
}

export function socketAddress() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return `${scheme}://${location.host}${page.socket}${current && `${current}/`}`;
}

/** It has begun with these words: from here on it can be named and set aside, and keeps its profile. */
export function open(conversationId, words) {
  if (current === conversationId) return;
  current = conversationId;
  const title = titleOf(words) || "New conversation";
  const address = page.address.replace(page.blank, conversationId);
  history.replaceState(null, "", address);
  manuscript.listConversation(address, title);
  showTitle(title, `${title} · MemoryChat`);
  options.href = options.dataset.address.replace(page.blank, conversationId);
  options.hidden = false;
  settleProfile();
}

/** There is nothing to choose any more. */
function settleProfile() {
  if (!profile?.isConnected) return;
  const settled = document.getElementById("profile-template").content.cloneNode(true);
  settled.querySelector("a").textContent = profile.selectedOptions[0].textContent;
  profile.closest("label").replaceWith(settled);
}

function titleOf(text) {
  const line = text.trim().split("\n")[0];
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH).trimEnd()}…` : line;
}

export function showTitle(title, titleOfPage) {
  heading.textContent = title;
  document.title = titleOfPage;
}

/** Before it begins its heading says what it will be. */
export function showMode(mode) {
  document.documentElement.dataset.mode = mode;
  if (!current) heading.textContent = mode === "incognito" ? "Not kept" : "New conversation";
}
