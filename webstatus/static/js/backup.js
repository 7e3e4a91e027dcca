// The details of a backup that runs are read anew every five seconds, until it has ended; not while nobody looks.
"use strict";

(() => {
  const EVERY = 5000;
  let waiting;

  async function refresh() {
    waiting = undefined;
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
        // What has the focus stays where it is until something has changed.
        if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(document.adoptNode(fresh));
      }
    } catch {
      // The server or the network is away: the next try may find it.
    }
    wait();
  }

  function wait() {
    const live = document.getElementById("details")?.dataset.live;
    if (live && !document.hidden && waiting === undefined) waiting = setTimeout(refresh, EVERY);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && waiting === undefined) refresh();
  });
  wait();
})();
