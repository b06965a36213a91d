// Language, light and whether the program is still there. Runs on every page.
(() => {
  const root = document.documentElement;
  const light = localStorage.getItem("rotrack_light") || "auto";
  const shine = (choice) => (choice === "auto" ? delete root.dataset.light : (root.dataset.light = choice));
  shine(light);

  document.addEventListener("change", (event) => {
    if (event.target.id === "light") {
      localStorage.setItem("rotrack_light", event.target.value);
      shine(event.target.value);
    }
    if (event.target.id === "language") {
      document.cookie = `rotrack_language=${event.target.value}; path=/; max-age=31536000; samesite=strict`;
      location.reload();
    }
  });

  // Whatever leaves a page does it once: a second way, or the same again, would break off the first, which may take a while.
  let leaving = false;
  window.rotrackLeave = (go) => {
    if (!leaving) go();
    leaving = true;
  };
  addEventListener("pageshow", () => (leaving = false));

  let gone = false;
  const alive = async () => {
    const select = document.getElementById("light");
    if (select && !select.dataset.set) {
      select.value = localStorage.getItem("rotrack_light") || "auto";
      select.dataset.set = "yes";
    }
    let there = false;
    try {
      const answer = await fetch("/alive", { cache: "no-store" });
      there = answer.ok;
      if (answer.status === 403) rotrackLeave(() => location.reload()); // started anew: this browser has to be let in again, and is told so
    } catch {
      there = false;
    }
    if (gone && there) rotrackLeave(() => location.reload());
    gone = !there;
    const banner = document.getElementById("gone");
    if (banner) banner.hidden = there;
  };
  setInterval(alive, 2000);
  addEventListener("load", () => setTimeout(alive, 200));
})();
