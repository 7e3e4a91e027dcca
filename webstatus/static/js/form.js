// Check forms before they are sent, with the server's dialogs: empty fields and passwords that differ. The fields keep
// what was typed.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  const refuse = (dialog) => {
    event.preventDefault();
    bootstrap.Modal.getOrCreateInstance(document.querySelector(dialog)).show();
  };
  if (form.dataset.missing && [...form.querySelectorAll("[required]")].some((field) => !field.value.trim())) {
    refuse(form.dataset.missing);
    return;
  }
  const again = form.querySelector("[data-same-as]");
  if (form.dataset.different && again && again.value !== form.elements[again.dataset.sameAs].value) {
    refuse(form.dataset.different);
  }
});
