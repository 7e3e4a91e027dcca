// The theme: light, dark, or what the system says. In <head> and not deferred, so that no page flashes.
"use strict";

(() => {
  const KEY = "vex-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function choice() {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto"; // A browser that keeps nothing.
    }
  }

  function apply() {
    const chosen = choice();
    root.dataset.bsTheme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
    }
    document.dispatchEvent(new Event("vex:theme")); // Charts take their colours anew.
  }

  root.classList.add("js"); // What needs scripts is hidden without them.
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply); // Another tab switched.
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.themeChoice);
    } catch {
      return;
    }
    apply();
  });
})();
