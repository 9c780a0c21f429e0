// Spares reloads, moves by arrow keys, copies commands, and follows Airflow's own light or dark.
"use strict";

const theme = localStorage.getItem("theme"); // where Airflow's pages keep the choice
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

async function show(href, push) {
  const answer = await fetch(href, { headers: { Accept: "text/html" } });
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const detail = next.getElementById("detail");
  if (!answer.ok || !detail) return location.assign(href);
  document.getElementById("detail").replaceWith(detail);
  const chosen = next.querySelector(".cell[aria-current]")?.getAttribute("href");
  for (const cell of document.querySelectorAll(".cell")) {
    if (cell.getAttribute("href") === chosen) cell.setAttribute("aria-current", "true");
    else cell.removeAttribute("aria-current");
  }
  if (push) history.pushState(null, "", href);
  ready();
}

function ready() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

// Inside Airflow this page sits in a frame that may not navigate its parent: let the parent follow a link of its own.
function openInAirflow(href) {
  const link = parent.document.createElement("a");
  link.href = href;
  parent.document.body.append(link);
  link.click();
  link.remove();
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a");
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    if (link.matches(".cell") || link.closest("#detail .title")) {
      event.preventDefault();
      await show(link.href, true);
    } else if (link.matches("[data-airflow]") && parent !== window) {
      event.preventDefault();
      openInAirflow(link.href);
    }
  }
});

document.addEventListener("keydown", (event) => {
  const here = document.activeElement.closest(".cell")?.parentElement;
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (here && steps) {
    const rows = [...here.closest("tbody").rows];
    const row = rows[rows.indexOf(here.parentElement) + steps[0]];
    const next = row?.cells[here.cellIndex + steps[1]]?.querySelector(".cell");
    if (next) {
      event.preventDefault();
      next.focus();
    }
  } else if (event.key === "Escape") {
    document.querySelector("#detail .title a")?.click();
  }
});

window.addEventListener("popstate", () => show(location.href, false));
ready();
