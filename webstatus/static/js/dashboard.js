// Keeps the dashboard current: reads it anew every minute, every five seconds while something runs, not while nobody looks.
"use strict";

(() => {
  // Milliseconds: a server that has not answered by then is taken to be away.
  const PATIENCE = 20000;
  const messages = document.getElementById("old-numbers");
  let timer;
  let reading = false;

  function shown() {
    return document.getElementById("dashboard");
  }

  function parts(root) {
    return new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  }

  // The link that has the focus, if it is still there, keeps it.
  function replace(part, fresh) {
    const href = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...fresh.childNodes);
    if (href === null) return;
    [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
  }

  function show(fresh) {
    const old = parts(shown());
    const now = parts(fresh);
    if ([...old.keys()].join() !== [...now.keys()].join()) {
      shown().replaceWith(fresh);
    } else {
      shown().dataset.every = fresh.dataset.every;
      shown().dataset.readAt = fresh.dataset.readAt;
      for (const [name, part] of now) {
        if (part.innerHTML !== old.get(name).innerHTML) replace(old.get(name), part);
      }
    }
    Charts.update();
  }

  // What stands above the numbers: nothing while they are current, else "failed" or "ended".
  function tell(problem) {
    document.body.classList.toggle("is-old", problem !== null);
    for (const message of messages.querySelectorAll("[data-when]")) {
      message.querySelector("[data-read-at]").textContent = shown().dataset.readAt;
      message.hidden = message.dataset.when !== problem;
    }
  }

  async function read() {
    const options = { redirect: "manual", signal: AbortSignal.timeout(PATIENCE) };
    const answer = await fetch(messages.dataset.source, options);
    // The login or the change of a password is asked for first.
    if (answer.status === 401 || answer.type === "opaqueredirect") return "ended";
    if (!answer.ok) return "failed";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(document.adoptNode(page.getElementById("dashboard")));
    return null;
  }

  async function refresh() {
    clearTimeout(timer);
    if (document.hidden || reading) return;
    reading = true;
    let problem;
    try {
      problem = await read();
    } catch {
      problem = "failed";
    }
    reading = false;
    tell(problem);
    if (problem !== "ended") wait();
  }

  function wait() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, Number(shown().dataset.every) * 1000);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
  Charts.update();
  wait();
})();
