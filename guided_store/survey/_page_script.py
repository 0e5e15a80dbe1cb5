"""What the sheet's page does where scripts run: keep answers, count them, hand them over as CSV.

Without scripts it remains a form to print. Answers are kept in the browser under the sheet's id and leave it
only as the file that the rater saves.
"""

SCRIPT = """
(() => {
  "use strict";
  const form = document.querySelector("form");
  const id = form.dataset.sheet, fields = form.dataset.columns.split(",");
  const store = "guided-store-survey-" + id;
  // A browser may refuse to keep anything; the page then works until it is closed.
  const keep = (values) => { try { localStorage.setItem(store, JSON.stringify(values)); } catch {} };
  const kept = () => { try { return JSON.parse(localStorage.getItem(store)) || {}; } catch { return {}; } };
  const values = () => Object.fromEntries(new FormData(form));
  const sections = [...form.querySelectorAll("section")];
  const asked = fields.filter((name) => name !== "comment");

  const count = () => {
    const now = values();
    let done = 0;
    for (const section of sections) {
      const given = asked.filter((name) => now[name + "-" + section.dataset.number]).length;
      const full = given === asked.length;
      section.classList.toggle("done", full);
      section.querySelector(".state").textContent =
        full ? "answered" : given ? given + " of " + asked.length + " answered" : "";
      done += full;
    }
    document.querySelector("#count").textContent = done + " of " + sections.length + " answered";
    return now;
  };

  for (const [name, value] of Object.entries(kept())) {
    for (const field of form.querySelectorAll("[name='" + CSS.escape(name) + "']")) {
      if (field.type === "radio") field.checked = field.value === value;
      else field.value = value;
    }
  }
  form.addEventListener("input", () => keep(count()));
  form.addEventListener("submit", (event) => event.preventDefault());

  const cell = (text) => '"' + String(text ?? "").replaceAll('"', '""') + '"';
  document.querySelector("#save").addEventListener("click", () => {
    const now = count();
    const half = sections.find((section) => {
      const given = asked.filter((name) => now[name + "-" + section.dataset.number]).length;
      return given > 0 && given < asked.length;
    });
    if (half) {
      half.scrollIntoView({ block: "start" });
      alert("Number " + half.dataset.number + " is answered in part: answer all of it, or leave it blank.");
      return;
    }
    const lines = [["sheet", "rater", "question", ...fields]];
    for (const section of sections) {
      const number = section.dataset.number;
      lines.push([id, now.rater, number, ...fields.map((name) => now[name + "-" + number])]);
    }
    const text = lines.map((line) => line.map(cell).join(",")).join("\\r\\n") + "\\r\\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const who = (now.rater || "").trim().toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    link.download = "answers-" + (who || "rater") + "-" + id.slice(0, 5) + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  document.querySelector("#clear").addEventListener("click", () => {
    if (!confirm("Remove all answers from this page?")) return;
    form.reset();
    keep({});
    count();
  });
  for (const element of document.querySelectorAll(".script")) element.classList.remove("script");
  count();
})();
"""
