"use strict";

// The filter of notable events. They stand in the order of the data, and what is searched is the data: all texts of an
// event, its raw record too. Nothing is ever written into the page but which events are hidden, and how many are not.
const { notable } = JSON.parse(document.getElementById("summary").textContent);
const elements = document.querySelectorAll("#notable tbody");
const form = document.getElementById("filter");

function textsOf(value) {
  if (value === null) return "";
  if (typeof value === "object") return Object.values(value).map(textsOf).join("\n");
  return String(value);
}

if (form) {
  const texts = notable.map((event) => textsOf(event).toLowerCase());
  const { text, reason, shown } = form.elements;
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    elements.forEach((element, at) => {
      const isShown = texts[at].includes(wanted) && ["", notable[at].reason].includes(reason.value);
      element.hidden = !isShown;
      count += isShown;
    });
    shown.value = `${count} of ${notable.length}`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
}
