// Reload the details of a running backup every five seconds until it ends, except while the page is hidden.
"use strict";

(() => {
  const EVERY_MS = 5000;
  let timer;

  async function refresh() {
    timer = undefined;
    const shown = document.getElementById("details");
    if (document.hidden || !shown.dataset.live) return;
    try {
      const answer = await fetch(shown.dataset.live, { headers: { Accept: "text/html" }, redirect: "error" });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("details");
        // An unchanged page is not replaced, so that the focus stays.
        if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // The server or the network does not answer. The next try may succeed.
    }
    wait();
  }

  function wait() {
    const live = document.getElementById("details")?.dataset.live;
    if (live && !document.hidden && timer === undefined) timer = setTimeout(refresh, EVERY_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer === undefined) refresh();
  });
  wait();
})();
