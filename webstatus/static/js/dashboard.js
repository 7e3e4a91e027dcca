// Reload the dashboard every minute, or every five seconds during a run, except while the page is hidden.
"use strict";

(() => {
  const TIMEOUT_MS = 20000;
  const messages = document.getElementById("old-numbers");
  let timer;
  let reading = false;

  function shown() {
    return document.getElementById("dashboard");
  }

  function parts(root) {
    return new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
  }

  // Replace the content of a part. The link that has the focus keeps it, if the new content has it too.
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

  // Show the warning above old numbers: "failed", "ended" (the session), or none for null.
  function warn(problem) {
    document.body.classList.toggle("is-old", problem !== null);
    for (const message of messages.querySelectorAll("[data-when]")) {
      message.querySelector("[data-read-at]").textContent = shown().dataset.readAt;
      message.hidden = message.dataset.when !== problem;
    }
  }

  async function read() {
    const options = { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) };
    const answer = await fetch(messages.dataset.source, options);
    // The server redirects to the login or to the change of the password.
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
    warn(problem);
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
