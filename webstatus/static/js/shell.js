// The behaviour of every page: dialogs that open by themselves, dialogs that ask, the button that shows a password.
"use strict";

(() => {
  for (const dialog of document.querySelectorAll(".modal[data-open]")) {
    dialog.addEventListener("hidden.bs.modal", () => document.querySelector("[autofocus]")?.focus(), { once: true });
    bootstrap.Modal.getOrCreateInstance(dialog).show();
  }

  // The rows of a list share one dialog. The button that opens it names where its form goes and what it is about.
  document.addEventListener("show.bs.modal", (event) => {
    const { action, about } = event.relatedTarget?.dataset ?? {};
    if (action) event.target.querySelector("form").action = action;
    const place = event.target.querySelector("[data-about]");
    if (about) place.textContent = about;
    place.hidden = !about;
  });

  document.addEventListener("click", (event) => {
    const eye = event.target.closest(".password-eye");
    if (!eye) return;
    const input = document.getElementById(eye.getAttribute("aria-controls"));
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    eye.setAttribute("aria-label", shown ? eye.dataset.hide : eye.dataset.show);
    eye.firstElementChild.className = shown ? "bi bi-eye-slash" : "bi bi-eye";
  });
})();
