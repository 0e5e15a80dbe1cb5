"use strict";
(() => {
  const root = document.documentElement;
  const button = document.querySelector("button.theme");
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const say = () => { button.textContent = dark() ? "Light page" : "Dark page"; };
  if (button) {
    button.hidden = false;
    say();
    button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; say(); });
  }

  // On paper nothing can be opened: single tables are printed, what is kept behind others is not.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.folded:not(.rest):not([open])")];
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((one) => { one.open = false; }); });

  const value = (row, place) => {
    const cell = row.cells[place];
    const figure = cell.dataset.value;
    return figure === undefined ? cell.textContent.trim() : figure === "" ? null : Number(figure);
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      head.append(press);
      press.addEventListener("click", () => {
        const figures = head.classList.contains("right");
        const first = figures ? "descending" : "ascending";
        const other = figures ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const rows = [...table.tBodies[0].rows].map((row) => [value(row, place), row]);
        const sign = order === "ascending" ? 1 : -1;
        // What has no figure stays last in both directions.
        rows.sort(([a], [b]) => (a === null) - (b === null) || (a === null ? 0 : sign * compare(a, b)));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    });
  }
})();
