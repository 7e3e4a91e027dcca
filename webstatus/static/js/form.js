// Forms that say at once what is missing or differs: the same dialogs as the server's, with all that was typed in place.
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
