// A field is kept when it is left, also by closing the page.
document.addEventListener("visibilitychange", () => document.hidden && document.activeElement?.matches("input") && document.activeElement.blur());

// Figures grow with the type of the page, and follow the width of their place.
(() => {
  const library = async () => (await import("nicegui-plotly")).Plotly;
  const grow = async (plot) => {
    const layout = plot.layout, k = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    if (layout.meta === k) return;
    const change = { meta: k, "font.size": layout.font.size * k };
    for (const [side, px] of Object.entries(layout.margin)) change[`margin.${side}`] = px * k;
    (layout.annotations ?? []).forEach((a, i) => (change[`annotations[${i}].font.size`] = (a.font?.size ?? layout.font.size) * k));
    for (const [name, part] of Object.entries(layout)) {
      if (part?.title?.font?.size) change[`${name}.title.font.size`] = part.title.font.size * k;
    }
    (await library()).relayout(plot, change);
  };
  const fit = new ResizeObserver(async (entries) => {
    const { Plots } = await library();
    for (const { target } of entries) if (target.offsetWidth) Plots.resize(target);
  });
  const seen = new WeakSet();
  setInterval(() => {
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      if (seen.has(plot) || !plot._fullLayout) continue;
      seen.add(plot);
      plot.on("plotly_afterplot", () => grow(plot));
      grow(plot);
      fit.observe(plot);
    }
  }, 100);
})();

// The curve of a session and its video, tied to each other: the line in the curve stands where the picture is from.
(() => {
  const film = () => document.querySelector(".film");
  const plot = () => document.querySelector(".filmed .js-plotly-plot");
  const cursor = () => document.querySelector(".filmed .cursor");
  let time = 0, shown = 0, wanted = null, loading = false, playing = 0;

  // Where a time is in the curve, px; plotly has no public way to ask for it.
  const axis = () => plot()?._fullLayout?.xaxis;
  const from = () => Number(film().dataset.from);
  const place = () => {
    const x = axis(), line = cursor();
    if (!x || !line) return;
    const at = x.d2p(time + from());
    line.hidden = at < 0 || at > x._length;
    const size = plot()._fullLayout._size;
    line.style.top = `${size.t}px`;
    line.style.height = `${size.h}px`;
    line.style.transform = `translateX(${x._offset + at}px)`;
  };

  const load = () => {
    const image = film()?.querySelector("img");
    if (!image || loading || wanted === null) return;
    loading = true;
    image.src = `${film().dataset.pictures}?t=${wanted.toFixed(3)}`;
    wanted = null;
  };
  const loaded = (event) => {
    if (!event.target.closest(".film")) return;
    loading = false;
    load(); // the newest one that was asked for meanwhile
  };
  document.addEventListener("load", loaded, true);
  document.addEventListener("error", loaded, true);

  const seek = (to) => {
    const range = film().querySelector("input"), output = film().querySelector("output");
    time = Math.min(Math.max(to, 0), Number(range.max));
    range.value = time;
    const words = `${time.toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
    range.setAttribute("aria-valuetext", words);
    output.textContent = words;
    const picture = Math.round(time * Number(film().dataset.rate));
    if (picture !== shown) {
      shown = picture;
      wanted = time;
      load();
    }
    place();
  };

  const pause = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    if (film()) film().querySelector(".play").textContent = film().dataset.play;
  };
  const play = () => {
    const end = Number(film().querySelector("input").max);
    const start = time >= end - 0.05 ? 0 : time, began = performance.now();
    film().querySelector(".play").textContent = film().dataset.pause;
    const step = () => {
      seek(start + (performance.now() - began) / 1000);
      if (time >= end) return pause();
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  };

  addEventListener("click", (event) => {
    if (!film()) return;
    if (event.target.closest(".film .play")) {
      if (playing) pause();
      else play();
    } else if (event.target.closest(".filmed .js-plotly-plot")) {
      const x = axis(), at = event.clientX - plot().getBoundingClientRect().left - x._offset;
      if (at >= 0 && at <= x._length) {
        pause();
        seek(x.p2d(at) - from());
      }
    }
  });
  addEventListener("input", (event) => {
    if (event.target.closest(".film input")) {
      pause();
      seek(Number(event.target.value));
    }
  });

  // The page and its plot come later than this script; from then on the line follows what is drawn.
  const wait = setInterval(() => {
    if (!film() || !axis()) return;
    clearInterval(wait);
    plot().on("plotly_afterplot", place);
    seek(0);
  }, 200);
  setTimeout(() => film() || clearInterval(wait), 10000);
})();

// The report: the practice's name is kept by this browser, a comment goes along, and it is said while it is made.
(() => {
  const at = (id) => document.getElementById(id);
  document.addEventListener("toggle", ({ target }) => { // what will stand in the report is seen before
    if (target.matches?.(".report-note") && !at("practice").value) at("practice").value = localStorage.getItem("rotrack_practice") ?? "";
  }, true);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "practice") localStorage.setItem("rotrack_practice", target.value);
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a.report");
    if (!link) return;
    const address = new URL(link.getAttribute("href"), location.href), practice = localStorage.getItem("rotrack_practice") ?? "";
    if (practice) address.searchParams.set("practice", practice);
    if (at("comment")?.value) address.searchParams.set("comment", at("comment").value);
    event.preventDefault();
    const shown = link.target ? window.open("", "_blank") : null; // while the click still counts as one
    if (shown) shown.opener = null;
    const making = (on) => {
      if (at("making")) at("making").hidden = !on;
      if (shown && on) shown.document.title = shown.document.body.textContent = link.dataset.making;
    };
    making(true);
    await fetch(address, { headers: { "x-make": "yes" } }).catch(() => {}); // it is kept until it is asked for, which is now
    making(false);
    (shown ?? window).location.replace(address);
  });
})();
