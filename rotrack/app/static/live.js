// Shows what the program sends: the picture, the gauges, the trace; says what it wants said. Computes nothing of its own.
const showLive = (page) => {
  const at = (id) => document.getElementById(id);
  const legs = page.dataset.legs.split(" ");
  const picture = at("picture"), pen = picture.getContext("2d");
  const QUIET_MS = 1500, TRACE_S = 20;
  let heard = performance.now(), trace = [], left = false;
  // For whoever wants to know how well the browser keeps up: when each picture was drawn, and how old it was then.
  const stats = (window.rotrackStats = { drawn: [], ages: [] });

  // ------------------------------------------------------------------ choices that this browser keeps
  const kept = (name, button, act) => {
    const set = (on) => {
      localStorage.setItem(name, on ? "yes" : "no");
      button.setAttribute("aria-pressed", on);
      act(on);
    };
    set(localStorage.getItem(name) !== "no");
    button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
    return () => button.getAttribute("aria-pressed") === "true";
  };
  const sound = kept("rotrack_sound", at("sound"), (on) => on || rotrackVoice.hush());
  const mirrored = () => page.dataset.mirror !== undefined;
  picture.classList.toggle("mirrored", mirrored());
  at("mirror").addEventListener("click", () => { // gauges change sides and sense with the picture: the page is built anew
    document.cookie = `rotrack_mirror=${mirrored() ? "no" : "yes"}; path=/; max-age=31536000; samesite=strict`;
    location.reload();
  });

  const hush = () => (at("tap").hidden = !sound() || navigator.userActivation?.hasBeenActive !== false);
  setInterval(hush, 500);
  const started = performance.now();
  setInterval(() => { // browsers know their voices only after a while
    at("no-voice").hidden = !sound() || performance.now() - started < 3000 || !!rotrackVoice.voice();
  }, 1000);

  at("full").addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => {}));
  if (matchMedia("(prefers-reduced-motion: reduce)").matches)
    for (const drawing of page.querySelectorAll(".moving svg")) drawing.pauseAnimations();

  // ------------------------------------------------------------------ keys, also those of a presenter's remote
  const press = (id) => {
    const button = at(id);
    if (button && button.checkVisibility()) button.click();
  };
  const KEYS = {
    check: { " ": "anyway", PageDown: "anyway", Escape: "back" },
    measure: { Escape: "end", PageDown: "end", PageUp: "retake", n: "retake" },
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const inside = event.target.closest?.("input, select, textarea, button, a, summary");
    if (inside && (event.key === " " || inside.matches("input, select, textarea"))) return; // it has a use there
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const id = { m: "sound", f: "full" }[name] || KEYS[page.dataset.phase]?.[name];
    if (!id) return;
    event.preventDefault();
    press(id);
  });

  at("back").addEventListener("click", () => (left = true)); // the program says where to

  navigator.wakeLock?.request("screen").catch(() => {});

  // ------------------------------------------------------------------ what is shown
  const text = (node, words) => {
    if (node && node.textContent !== words) node.textContent = words;
  };

  const checks = (findings) => {
    for (const finding of findings) {
      const row = at(`check-${finding.check}`);
      if (!row) continue;
      row.dataset.state = finding.state;
      text(row.querySelector(".text"), finding.text);
      row.title = finding.text;
    }
  };

  const against = (amounts) => { // how the camera stands against last time, with the outline from then
    const shown = !!amounts && !!at("as-then");
    page.classList.toggle("again", shown);
    if (!at("as-then")) return;
    at("as-then").hidden = !shown;
    (shown ? amounts : []).forEach(({ text: words, near }, number) => {
      const one = at("as-then").querySelectorAll(".one")[number];
      text(one.querySelector(".amount"), words);
      one.classList.toggle("near", near === true);
      one.classList.toggle("off", near === false);
    });
  };

  const gauge = (name, leg, turn) => {
    const box = at(`gauge-${name}`);
    if (!box) return;
    const seen = leg.angle !== null;
    box.classList.toggle("off", page.dataset.counted === undefined ? !seen : !!leg.reason);
    box.classList.toggle("waiting", !!turn && turn !== name);
    box.classList.toggle("begun", leg.begun);
    box.classList.toggle("holding", !!leg.held);
    text(box.querySelector(".count .number"), String(leg.count));
    text(box.querySelector(".held"), leg.held);
    if (page.dataset.counted !== undefined) return;
    text(box.querySelector(".angle .number"), seen ? String(Math.round(Math.abs(leg.angle))) : "\u2013");
    box.classList.toggle("long", box.querySelector(".angle .number").textContent.length > 2 || leg.held.length > 4); // three digits
    text(box.querySelector(".angle .error"), seen && leg.error !== null ? `\u00b1${Math.ceil(leg.error)}` : "");
    const to = Number(box.dataset.to), way = Number(box.dataset.turn);
    const swing = (angle) => way * 90 * Math.max(-1, Math.min(1, angle / to));
    const hub = "100 104";
    box.querySelector(".arm").setAttribute("transform", `rotate(${seen ? swing(leg.angle) : 0} ${hub})`);
    const turned = (swing(leg.angle || 0) * Math.PI) / 180;
    const tip = `${100 + 84 * Math.sin(turned)} ${104 - 84 * Math.cos(turned)}`;
    box.querySelector(".reached").setAttribute("d", seen ? `M100 20 A84 84 0 0 ${turned > 0 ? 1 : 0} ${tip}` : "");
    for (const [direction, best] of Object.entries(leg.best)) {
      const mark = box.querySelector(`.best.${direction}`);
      mark.setAttribute("visibility", best === null ? "hidden" : "visible");
      if (best !== null) mark.setAttribute("transform", `rotate(${swing(best * (direction === "internal" ? 1 : -1))} ${hub})`);
    }
  };

  const draw = () => {
    const paper = at("trace"), line = paper.getContext("2d");
    const scale = ((window.devicePixelRatio || 1) * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16;
    const dots = window.devicePixelRatio || 1, width = Math.round(paper.clientWidth * dots), height = Math.round(paper.clientHeight * dots);
    if (!width) return;
    if (paper.width !== width || paper.height !== height) [paper.width, paper.height] = [width, height];
    const colour = (name) => getComputedStyle(page).getPropertyValue(name);
    const end = trace.length ? trace[trace.length - 1][0] : 0;
    const x = (time) => width * (1 - (end - time) / TRACE_S), y = (angle) => height / 2 - (angle / 60) * (height / 2 - 6 * scale);
    line.clearRect(0, 0, width, height);
    for (const level of [-45, -30, -15, 0, 15, 30, 45]) {
      line.strokeStyle = colour("--line");
      line.lineWidth = level ? 0.5 * scale : 1.5 * scale;
      line.beginPath();
      line.moveTo(0, y(level));
      line.lineTo(width, y(level));
      line.stroke();
    }
    legs.forEach((leg, column) => {
      line.strokeStyle = colour(`--${leg}`);
      line.lineWidth = 3 * scale;
      line.setLineDash(leg === "right" ? [9 * scale, 4 * scale] : []);
      line.beginPath();
      let down = false;
      for (const row of trace) {
        const angle = row[column + 1];
        if (angle === null) down = false;
        else if (down) line.lineTo(x(row[0]), y(angle));
        else {
          line.moveTo(x(row[0]), y(angle));
          down = true;
        }
      }
      line.stroke();
      line.setLineDash([]);
    });
  };

  let codeAt = -Infinity;
  const scan = (state) => { // the code for a phone; a new one comes when somebody has used it
    const box = at("scan"), picture = at("code");
    if (!box) return;
    box.hidden = !state.nobody_sends || state.phase !== "check";
    if (box.hidden || !picture || performance.now() - codeAt < 3000) return;
    codeAt = performance.now();
    picture.src = `/phone/code.svg?${Math.round(codeAt)}`;
  };

  const show = (state) => {
    if (state.prepared !== Number(page.dataset.prepared)) { // another session was begun elsewhere
      if (!left) rotrackLeave(() => location.reload());
      left = true;
      return;
    }
    const finished = state.phase === "done" && state.session; // the last numbers stay until the result is there
    if (page.dataset.phase !== state.phase && !finished) {
      if (state.phase === "measure") rotrackVoice.hush(); // what was said of the set-up is over
      page.dataset.phase = state.phase;
      trace = [];
    }
    if (!finished || state.problem) { // the last words stay, too
      text(at("words"), state.message.text);
      at("message").dataset.kind = state.message.kind;
    }
    if (state.message.move) page.dataset.move = state.message.move;
    else delete page.dataset.move;
    text(at("slow"), state.slow || tired(state));
    at("anyway").disabled = !!state.problem; // without a picture there is nothing to measure
    at("after").hidden = !state.problem || state.phase === "check" || state.phase === "measure";
    if (finished && !left) {
      left = true;
      setTimeout(() => rotrackLeave(() => location.replace(state.then)), 1200); // the way back from there leads past the camera
    }
    if (state.phase === "idle" && !state.problem && !left) {
      left = true;
      rotrackLeave(() => location.replace("/"));
    }
    scan(state);
    page.classList.toggle("lost", !!state.problem && state.phase !== "done");
    if (state.findings) checks(state.findings);
    against(state.against);
    at("held").style.width = `${Math.round(100 * (state.hold || 0))}%`;
    if (state.legs && !state.problem) for (const [name, leg] of Object.entries(state.legs)) gauge(name, leg, state.turn);
    if (state.problem) legs.forEach(off);
    if (state.trace && state.trace.length) {
      trace.push(...state.trace);
      const from = trace[trace.length - 1][0] - TRACE_S;
      while (trace[0][0] < from) trace.shift();
    }
    if (state.phase === "measure") draw();
    for (const say of state.say || []) rotrackVoice.speak(say);
  };

  const off = (name) => {
    const box = at(`gauge-${name}`);
    if (!box) return;
    const count = box.querySelector(".count .number").textContent;
    gauge(name, { angle: null, reason: "off", count, held: "", best: {}, begun: box.classList.contains("begun") }, "");
  };

  const tired = (state) => {
    const now = performance.now(), enough = Number(page.dataset.enough), recent = stats.drawn.filter((time) => now - time < 3000).length / 3;
    return state.rate > enough && stats.drawn.length > 100 && recent < enough && !document.hidden ? page.dataset.tired : "";
  };

  // ------------------------------------------------------------------ the connection
  const words = new TextDecoder();
  const connect = () => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/stream`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => (trace = []); // all of it comes anew
    socket.onmessage = async ({ data }) => {
      heard = performance.now();
      page.classList.remove("stale");
      const length = new DataView(data).getUint32(0);
      const state = JSON.parse(words.decode(new Uint8Array(data, 4, length)));
      if (data.byteLength > 4 + length) {
        const image = await createImageBitmap(new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
        if (picture.width !== image.width || picture.height !== image.height) {
          [picture.width, picture.height] = [image.width, image.height];
          at("view").style.setProperty("--shape", `${image.width} / ${image.height}`);
        }
        pen.drawImage(image, 0, 0);
        image.close();
        stats.drawn.push(performance.now());
        stats.ages.push(state.age_ms + Math.max(0, Date.now() - state.sent_ms));
        if (stats.drawn.length > 4000) [stats.drawn, stats.ages].forEach((list) => list.splice(0, 1000));
      }
      show(state);
      if (socket.readyState === WebSocket.OPEN) socket.send("drawn");
    };
    socket.onclose = () => setTimeout(connect, 700);
  };
  connect();
  setInterval(() => {
    if (performance.now() - heard < QUIET_MS || left) return;
    page.classList.add("stale");
    legs.forEach(off);
    text(at("words"), page.dataset.gone);
    at("message").dataset.kind = "problem";
  }, 300);

  // ------------------------------------------------------------------ the right person
  const shape = () => { // where the picture is within its canvas, which may be wider or higher
    const box = picture.getBoundingClientRect(), grow = Math.min(box.width / picture.width, box.height / picture.height);
    const width = picture.width * grow, height = picture.height * grow;
    return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
  };
  const ring = (x, y, kind) => {
    const view = at("view").getBoundingClientRect(), box = shape(), mark = at(kind) || document.createElement("span");
    mark.className = kind;
    mark.style.left = `${box.left + x * box.width - view.left}px`;
    mark.style.top = `${box.top + y * box.height - view.top}px`;
    at("view").append(mark);
    return mark;
  };
  const choose = (x, y) => {
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return;
    fetch(`/live/person?x=${mirrored() ? 1 - x : x}&y=${y}`, { method: "POST" });
    const mark = ring(x, y, "tapped");
    setTimeout(() => mark.remove(), 900);
  };
  at("view").addEventListener("click", (event) => {
    const box = shape();
    choose((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  let aim = { x: 0.5, y: 0.5 };
  at("view").addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, -0.05], ArrowDown: [0, 0.05] };
    if (event.key === "Enter") return choose(aim.x, aim.y);
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    aim = { x: Math.min(1, Math.max(0, aim.x + step[0])), y: Math.min(1, Math.max(0, aim.y + step[1])) };
    ring(aim.x, aim.y, "aim").id = "aim";
  });
  at("view").addEventListener("blur", () => at("aim")?.remove());
};

// The page is built after this script has loaded.
const waitForLive = setInterval(() => {
  const page = document.getElementById("live");
  if (!page || !window.rotrackVoice) return;
  clearInterval(waitForLive);
  showLive(page);
}, 30);
