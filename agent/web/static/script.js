// Keeps the page current: asks for it anew when something changes, and puts in what differs.
// The server renders everything; the page reads the same without this.
"use strict";

const REFRESH_EVERY = 3000;
const SOON = 150;
const PATIENCE = 10000;
const LOST = "The agent does not answer; what you see is old. ";

let timer;
let due = Infinity;
let asking = false;
let askAgain = false;
let cutOff = false;
const chosen = new Set();

// A card that the reader opened or closed stays so; the others follow the server, which opens what breaks.
document.addEventListener("click", (event) => {
  const card = event.target.closest?.("summary")?.parentElement;
  if (card) chosen.add(card.id);
});

function sync(now, next) {
  if (now.isEqualNode(next)) return;
  if (now.nodeType !== Node.ELEMENT_NODE) {
    now.nodeValue = next.nodeValue;
    return;
  }
  syncAttributes(now, next);
  syncChildren(now, next);
}

function syncAttributes(now, next) {
  const keepsOpen = now.localName === "details" && (chosen.has(now.id) || now.className === next.className);
  for (const name of new Set([...now.getAttributeNames(), ...next.getAttributeNames()])) {
    if (name === "open" && keepsOpen) continue;
    const value = next.getAttribute(name);
    if (value === null) now.removeAttribute(name);
    else if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
}

// Elements with an id are found again wherever they stand; others are matched by their place and kind.
function syncChildren(now, next) {
  const known = new Map([...now.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const same = known.get(wanted.id);
    if (same) {
      if (same === place) place = place.nextSibling;
      else now.insertBefore(same, place);
      sync(same, wanted);
    } else if (place && !place.id && !wanted.id && place.nodeName === wanted.nodeName) {
      const current = place;
      place = place.nextSibling;
      sync(current, wanted);
    } else {
      now.insertBefore(wanted, place);
    }
  }
  while (place) {
    const stale = place;
    place = place.nextSibling;
    stale.remove();
  }
}

function show(fresh) {
  document.title = fresh.title;
  const icon = document.querySelector("link[rel=icon]");
  const nextIcon = fresh.querySelector("link[rel=icon]");
  if (icon.href !== nextIcon.href) icon.href = nextIcon.href;
  fresh.getElementById("live").textContent = document.getElementById("live").textContent;
  syncChildren(document.body, fresh.body);
}

function say(words) {
  const live = document.getElementById("live");
  if (live.textContent !== words) live.textContent = words;
  document.body.classList.toggle("lost", words === LOST);
  document.body.classList.toggle("current", words !== LOST);
}

async function refresh() {
  due = Infinity;
  if (document.hidden) return;
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  askAgain = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(String(answer.status));
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    say("");
  } catch {
    say(LOST);
  } finally {
    asking = false;
    // A big page from a busy agent is asked for less often.
    refreshIn(askAgain ? SOON : Math.max(REFRESH_EVERY, 10 * (performance.now() - began)));
  }
}

// What is due sooner already stays due.
function refreshIn(delay) {
  if (performance.now() + delay >= due) return;
  clearTimeout(timer);
  due = performance.now() + delay;
  timer = setTimeout(refresh, delay);
}

const events = new EventSource("/api/v1/events");
events.addEventListener("state", () => refreshIn(SOON));
events.addEventListener("error", () => {
  cutOff = true;
  refreshIn(SOON);
});
events.addEventListener("open", () => {
  if (cutOff) refreshIn(SOON);
  cutOff = false;
});
document.addEventListener("visibilitychange", () => refreshIn(0));
say("");
refreshIn(REFRESH_EVERY);

document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  const query = new URLSearchParams(new FormData(event.target.form));
  if (!event.target.value.trim()) query.delete("search");
  history.replaceState(null, "", query.size ? `/?${query}` : "/");
  refreshIn(SOON);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  if (form.method === "post") await flip(form);
  refreshIn(SOON);
});

async function flip(form) {
  const on = new FormData(form).get("on") === "true";
  const body = JSON.stringify({ on });
  form.querySelector("button").setAttribute("aria-checked", String(on));
  try {
    await fetch(form.action, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  } catch {
    say(LOST);
  }
}
