// Keeps the page current: asks for it anew when something changes and puts in the parts that differ.
// The server renders everything; this only replaces, so that the page reads the same without it.
"use strict";

const REFRESH_EVERY = 3000;
const live = document.getElementById("live");
let due = false;
let busy = false;

function isOpen(details) {
  return details.id ? opened.get(details.id) ?? details.open : details.open;
}

// What the reader opened or closed stays so, whatever the server would show by itself.
const opened = new Map();
document.addEventListener("toggle", (event) => {
  if (event.target.id && event.isTrusted && !busy) opened.set(event.target.id, event.target.open);
}, true);

function replaceParts(fresh) {
  document.title = fresh.title;
  const focused = document.activeElement?.id;
  for (const id of ["top", "broken", "demo", "filter", "checks", "untestable"]) {
    const now = document.getElementById(id);
    const next = fresh.getElementById(id);
    if (id === "filter" && now?.contains(document.activeElement)) continue;
    if (now && next) {
      if (id === "checks") replaceChecks(now, next);
      else if (now.innerHTML !== next.innerHTML) now.replaceWith(keepOpen(next));
    } else if (now) {
      now.remove();
    } else if (next) {
      document.querySelector("main").prepend(next);
    }
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

function keepOpen(element) {
  const all = element.matches("details") ? [element] : [...element.querySelectorAll("details")];
  for (const details of all) details.open = isOpen(details);
  return element;
}

// Cards are replaced one by one, so that focus and selection in the others are not lost.
function replaceChecks(now, next) {
  const before = [...now.querySelectorAll("details.check")];
  const after = [...next.querySelectorAll("details.check")];
  if (before.map((card) => card.id).join() !== after.map((card) => card.id).join()) {
    now.replaceWith(keepOpen(next));
    return;
  }
  after.forEach((card, place) => {
    const old = before[place];
    card.open = isOpen(card);
    if (old.innerHTML === card.innerHTML && old.className === card.className) {
      old.open = card.open;
      return;
    }
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(card);
    if (hadFocus) card.querySelector("summary").focus();
  });
}

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  due = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    replaceParts(new DOMParser().parseFromString(await answer.text(), "text/html"));
    live.textContent = "";
  } catch {
    live.textContent = "The agent does not answer; what you see is old.";
  } finally {
    // Toggle events of the replacement arrive after it, and are not the reader's.
    setTimeout(() => { busy = false; if (due) refresh(); }, 60);
  }
}

const events = new EventSource("/api/v1/events");
events.addEventListener("state", () => { due = true; refresh(); });
events.addEventListener("error", () => { live.textContent = "The agent does not answer; what you see is old."; });
events.addEventListener("open", () => { live.textContent = ""; });
setInterval(refresh, REFRESH_EVERY);
document.addEventListener("visibilitychange", refresh);

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const on = new FormData(form).get("on") === "true";
  form.querySelector("button").disabled = true;
  try {
    await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ on }),
    });
  } finally {
    due = true;
    refresh();
  }
});
