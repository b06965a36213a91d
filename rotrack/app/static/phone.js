// What a phone shows that is the camera: its picture, and large what rotrack on the computer has measured and has to say.
(() => {
  const page = document.getElementById("phone"), words = JSON.parse(page.dataset.words);
  const at = (id) => document.getElementById(id);
  const text = (node, said) => node.textContent !== said && (node.textContent = said);
  const show = (node, on) => node.hidden === !on || (node.hidden = !on);
  const AWAY_S = 1.5;
  const post = (what) => fetch(`/phone/do/${what}`, { method: "POST" }).catch(() => {});
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const fill = (said, values) => said.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const leg = (name, found, turn) => {
    let box = at(`leg-${name}`);
    if (!box) {
      box = document.createElement("div");
      box.id = `leg-${name}`;
      box.innerHTML = '<strong></strong><span class="count"></span><span class="angle"></span><span class="error"></span>';
      at("legs").append(box);
    }
    box.className = `leg ${name}${turn && turn !== name ? " waiting" : ""}`;
    text(box.querySelector("strong"), found.name);
    text(box.querySelector(".count"), String(found.count));
    text(box.querySelector(".angle"), found.held || (found.angle === null ? "–" : `${Math.round(Math.abs(found.angle))}°`));
    text(box.querySelector(".error"), found.held || found.angle === null || found.error === null ? "" : `±${Math.ceil(found.error)}`);
  };

  const isSilent = (feed) => !!feed.heard && now() - feed.heard > AWAY_S;
  const told = (feed) => { // about camera and link: what is in the way, else how well it goes
    const state = feed.state, silent = isSilent(feed);
    if (feed.problem) return [words[feed.problem], true];
    if (!state || silent) return [fill(words.no_link, { seconds: Math.round(feed.keptS()) }), silent];
    if (feed.turned) return [words.turned, true];
    if (feed.thrown) return [words.lost, true];
    if (!navigator.wakeLock && isSecureContext && !state.wanted) return [words.no_awake, false];
    if (!state.wanted || !state.rate || feed.lateS() === undefined) return ["", false];
    return [fill(words.rate, { rate: Math.round(state.rate), late: feed.lateS().toFixed(1).replace(".", words.decimal) }), state.rate < Number(page.dataset.enough)];
  };

  const say = (feed) => {
    const state = feed.state;
    if (!state || isSilent(feed)) return "";
    if (state.busy) return words.busy;
    if (state.phase === "done") return state.problem || words.done;
    if (!state.wanted) return state.phase === "idle" ? words.choose : words.other_camera;
    return state.message.text || words.ready;
  };

  const hear = (feed) => {
    const state = feed.state, [about, bad] = told(feed);
    text(at("told"), about);
    at("told").classList.toggle("bad", bad);
    text(at("say"), say(feed));
    at("say").dataset.kind = state?.wanted ? state.message.kind : "";
    at("legs").classList.toggle("old", isSilent(feed));
    const running = state?.wanted && state.phase === "measure";
    feed.lock(running);
    show(at("begin"), state?.wanted && state.phase === "check" && !state.problem);
    show(at("retake"), running);
    show(at("end"), running);
    show(at("pause"), state?.wanted);
    show(at("choice"), !running);
    const legs = Object.entries((state?.wanted && state.legs) || {});
    show(at("legs"), legs.length);
    for (const box of at("legs").children) if (!legs.some(([name]) => box.id === `leg-${name}`)) box.remove();
    for (const [name, found] of legs) leg(name, found, state.turn);
  };

  const feed = rotrackFeed({ kind: page.dataset.kind, video: at("video"), hear });
  const mirror = () => at("video").classList.toggle("mirrored", feed.facing === "user");
  at("begin").addEventListener("click", () => post("begin"));
  at("retake").addEventListener("click", () => post("retake"));
  at("end").addEventListener("click", () => post("end"));
  at("pause").addEventListener("click", () => {
    feed.paused = !feed.paused;
    text(at("pause"), feed.paused ? words.go_on : words.pause);
    page.classList.toggle("paused", feed.paused);
  });
  at("turn").addEventListener("click", () => {
    feed.facing = feed.facing === "user" ? "environment" : "user";
    localStorage.setItem("rotrack_facing", feed.facing);
    mirror();
    feed.open();
  });
  at("size").addEventListener("change", () => {
    localStorage.setItem("rotrack_size", at("size").value);
    feed.size = at("size").value.split("x").map(Number);
    feed.open();
  });
  feed.facing = localStorage.getItem("rotrack_facing") || feed.facing;
  at("size").value = localStorage.getItem("rotrack_size") || "1280x720";
  if (!at("size").value) at("size").value = "1280x720";
  feed.size = at("size").value.split("x").map(Number);
  mirror();

  const awake = () => !document.hidden && (navigator.wakeLock?.request("screen").catch(() => {}));
  document.addEventListener("visibilitychange", awake);
  addEventListener("click", awake, { once: true }); // some browsers want a touch first
  awake();
  setInterval(() => hear(feed), 500); // also while nothing is heard
  feed.start();
})();
