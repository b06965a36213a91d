// Between two drills: says what comes, counts the rest down and goes on by itself, by key or by a presenter's remote.
const showCourse = (page) => {
  const at = (id) => document.getElementById(id);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches)
    for (const drawing of page.querySelectorAll(".moving svg")) drawing.pauseAnimations();
  for (const text of JSON.parse(page.dataset.say || "[]")) rotrackVoice.speak({ text });
  const press = (id) => at(id)?.checkVisibility() && at(id).click();
  let from = page.dataset.rest === undefined ? null : performance.now();
  const stop = () => {
    from = null;
    if (at("rest")) at("rest").textContent = "";
    if (at("pause")) at("pause").hidden = true;
  };
  ["pause", "skip", "redo", "next"].forEach((id) => at(id)?.addEventListener("click", stop));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.key === " " && event.target.closest?.("button, a, input, select, textarea")) return;
    const id = { " ": "next", PageDown: "next", Escape: "pause" }[event.key];
    if (!id || !at(id)) return;
    event.preventDefault();
    press(id);
  });
  page.dataset.ready = "yes";
  setInterval(() => {
    if (from === null) return;
    const left = Math.ceil(Number(page.dataset.rest) - (performance.now() - from) / 1000);
    if (left > 0) at("rest").textContent = String(left);
    else press("next");
  }, 200);
};

const waitForCourse = setInterval(() => { // the page is built after this script has loaded
  const page = document.getElementById("course");
  if (!page || !window.rotrackVoice) return;
  clearInterval(waitForCourse);
  showCourse(page);
}, 30);
