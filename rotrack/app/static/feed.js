// Takes pictures with a camera of this device and sends them to rotrack, each with the time at which it was taken.
//
// What cannot be sent waits here, for a while, and is sent later. A request that got lost is sent again: rotrack says which picture
// it has last. Times are those of rotrack's own clock, as far as it can be told from how long a request without pictures takes.
const rotrackFeed = ({ kind, video, hear }) => {
  const KEPT_S = 30, KEPT_BYTES = 90e6; // what could not be sent: the oldest is thrown away first
  const BODY_BYTES = 800e3, WAIT_MS = 2000, AGAIN_MS = 300; // of a request; how long it may take; until the next attempt
  const ASK_S = 0.4, TIME_S = 5, REMEMBERED_S = 60; // between requests without pictures; how often the time is compared
  const ENOUGH_HZ = 20, LATE_S = 1, JUMP_S = 0.25, SLEW = 0.0005, QUALITY = 0.9, ENCODING = 3;
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const mine = sessionStorage.getItem("rotrack_sender") || crypto.getRandomValues(new Uint32Array(3)).join("-");
  sessionStorage.setItem("rotrack_sender", mine);

  let kept = [], keptBytes = 0, limit = BODY_BYTES, encoding = 0, dueAt = 0, lastAt = -Infinity;
  let offset = null, compared = [], wanted = false, prepared = null, closed = false, locked = null, abort = null, wake = () => {};
  const feed = { paused: false, problem: "", turned: false, thrown: 0, facing: "environment", size: [1280, 720], heard: 0, state: null,
    stats: { taken: [], late: [], link: [] } };

  // ------------------------------------------------------------------ the time of rotrack
  const compare = (asked, answered, theirs) => {
    const best = () => compared.reduce((one, other) => (other.took < one.took ? other : one)).offset;
    compared = [...compared.filter((each) => answered - each.at < REMEMBERED_S), { at: answered, took: answered - asked, offset: theirs - (asked + answered) / 2 }];
    if (offset === null || Math.abs(compared.at(-1).offset - offset) > JUMP_S + compared.at(-1).took) { // it was started anew, or this device slept
      compared = compared.slice(-1);
      offset = best();
    }
    feed.target = best();
  };
  const slew = (passed) => (offset += Math.max(-SLEW * passed, Math.min(SLEW * passed, feed.target - offset)));

  // ------------------------------------------------------------------ pictures
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", { alpha: false, desynchronized: true });
  const forget = () => ([kept, keptBytes, dueAt] = [[], 0, 0]);
  const late = () => kept.length > 1 && kept.at(-1).at - kept[0].at > LATE_S;

  const take = (takenS) => {
    if (!wanted || feed.paused || offset === null || !video.videoWidth) return;
    const shape = `${video.videoWidth}x${video.videoHeight}`;
    feed.turned = !!locked && locked !== shape;
    if (feed.turned || encoding >= ENCODING) return;
    const at = takenS + offset;
    if (at <= lastAt) return;
    if (late()) { // the link is away: enough is kept to measure by, so that it lasts longer and is sent sooner
      dueAt = Math.max(dueAt, at - 1 / ENOUGH_HZ);
      if (at < dueAt - 0.002) return;
      dueAt += 1 / ENOUGH_HZ;
    }
    slew(Math.min(at - lastAt, 1));
    lastAt = at;
    const picture = { at, blob: null };
    if (canvas.width !== video.videoWidth || canvas.height !== video.videoHeight) [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    pen.drawImage(video, 0, 0);
    kept.push(picture);
    encoding += 1;
    canvas.toBlob((blob) => {
      encoding -= 1;
      picture.blob = blob || new Blob();
      keptBytes += picture.blob.size;
      while (kept.length > 1 && (keptBytes > KEPT_BYTES || kept.at(-1).at - kept[0].at > KEPT_S)) {
        keptBytes -= kept.shift().blob?.size || 0;
        feed.thrown += 1;
      }
      feed.stats.taken.push(at);
      if (feed.stats.taken.length > 9000) feed.stats.taken.splice(0, 3000);
      wake();
    }, "image/jpeg", QUALITY);
  };

  const each = video.requestVideoFrameCallback
    ? () => video.requestVideoFrameCallback((shown, about) => {
        take((performance.timeOrigin + (about.captureTime ?? shown)) / 1000);
        if (!closed) each();
      })
    : () => requestAnimationFrame(() => { // browsers without it: whenever there is another picture
        if (video.currentTime !== each.at) take(now());
        each.at = video.currentTime;
        if (!closed) each();
      });

  // ------------------------------------------------------------------ the camera of this device
  let opening = 0;
  feed.open = async () => {
    const attempt = ++opening;
    video.srcObject?.getTracks().forEach((track) => track.stop());
    feed.problem = "";
    if (!navigator.mediaDevices?.getUserMedia) return (feed.problem = "no_secure");
    try {
      const [width, height] = feed.size;
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 }, facingMode: { ideal: feed.facing } },
      });
      if (attempt !== opening) return stream.getTracks().forEach((track) => track.stop());
      video.srcObject = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => attempt === opening && setTimeout(feed.open, 1000));
      await video.play();
    } catch (error) {
      if (attempt === opening && error.name !== "AbortError") feed.problem = "no_camera";
    }
  };
  feed.lock = (on) => (locked = on ? locked || (video.videoWidth ? `${video.videoWidth}x${video.videoHeight}` : null) : null);

  // ------------------------------------------------------------------ the link
  const body = (said, pictures) => {
    const head = new TextEncoder().encode(JSON.stringify({ sender: mine, kind, ...said, pictures: pictures.map((one) => [one.at, one.blob.size]) }));
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, head.length);
    return new Blob([length, head, ...pictures.map((one) => one.blob)]);
  };
  const next = () => { // the first ones that are ready, as many as go into a request
    const found = [];
    let bytes = 0;
    for (const picture of kept) {
      if (!picture.blob || (found.length && bytes + picture.blob.size > limit)) break;
      bytes += picture.blob.size;
      found.push(picture);
    }
    return found;
  };

  const send = async (pictures) => {
    abort = new AbortController();
    const asked = now(), patience = setTimeout(() => abort.abort(), WAIT_MS);
    try {
      const answer = await fetch("/phone/pictures", { method: "POST", body: body({ paused: feed.paused }, pictures), signal: abort.signal, cache: "no-store" });
      if (answer.status === 403) location.reload(); // not let in any more: it is said why
      if (!answer.ok) throw new Error(answer.status);
      const state = await answer.json(), answered = now();
      if (!pictures.length) compare(asked, answered, state.now_s);
      feed.stats.link.push(answered - asked);
      if (state.prepared !== prepared || !state.wanted) forget(); // what is from another session
      [prepared, wanted, feed.state, feed.heard] = [state.prepared, state.wanted, state, answered];
      while (kept.length && kept[0].blob && kept[0].at <= state.have_s) keptBytes -= kept.shift().blob.size;
      if (state.taken_s !== null && offset !== null && state.taken_s !== feed.shown) {
        feed.shown = state.taken_s;
        feed.stats.late.push(answered + offset - state.taken_s);
        if (feed.stats.late.length > 9000) [feed.stats.late, feed.stats.link].forEach((list) => list.splice(0, 3000));
      }
      limit = Math.min(BODY_BYTES, limit * 2);
      return true;
    } catch {
      limit = Math.max(1, limit / 4);
      return false;
    } finally {
      clearTimeout(patience);
    }
  };

  const loop = async () => {
    let comparedAt = -Infinity;
    while (!closed) {
      const time = offset === null || now() - comparedAt > TIME_S, pictures = time ? [] : next();
      if (time) comparedAt = now();
      const heard = await send(pictures);
      hear(feed);
      if (!heard) await sleep(AGAIN_MS);
      else if (!next().length && !time) await Promise.race([sleep(ASK_S * 1000), new Promise((ready) => (wake = ready))]);
    }
  };
  feed.keptS = () => (kept.length > 1 ? kept.at(-1).at - kept[0].at : 0);
  feed.lateS = () => feed.stats.late.at(-1);
  feed.start = async () => {
    each();
    loop();
    await feed.open();
    hear(feed);
  };
  addEventListener("online", () => abort?.abort());
  addEventListener("pagehide", () => navigator.sendBeacon("/phone/pictures", body({ leaves: true }, [])));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const track = video.srcObject?.getVideoTracks()[0];
    if (!track || track.readyState === "ended") feed.open();
    else video.play().catch(() => {});
  });
  return (window.rotrackFeeds = feed);
};
