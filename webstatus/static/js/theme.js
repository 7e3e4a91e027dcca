// The theme: light, dark, or the system's. Loaded in <head> without defer, so that a page never flashes in the wrong one.
"use strict";

(() => {
  const KEY = "vex-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function choice() {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto"; // The browser blocks storage.
    }
  }

  function apply() {
    const chosen = choice();
    root.dataset.bsTheme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
    }
    document.dispatchEvent(new Event("vex:theme")); // charts.js redraws in the new colours.
  }

  root.classList.add("js"); // Without this class the style sheet hides what needs scripts.
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply); // Another tab changed the theme.
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
