// What is chosen for this browser: its voice, and whether it shows names.
const showSettings = (page) => {
  const at = (id) => document.getElementById(id);
  const keep = (name, value) => localStorage.setItem(`rotrack_${name}`, value);
  at("sound").checked = rotrackVoice.on();
  at("sound").addEventListener("change", (event) => keep("sound", event.target.checked ? "yes" : "no"));
  for (const name of ["volume", "pace"]) {
    at(name).value = localStorage.getItem(`rotrack_${name}`) ?? 1;
    at(name).addEventListener("change", (event) => keep(name, event.target.value));
  }
  const started = performance.now();
  let known = "";
  const voices = () => { // browsers know their voices only after a while
    const names = rotrackVoice.voices().map((one) => one.name);
    at("no-voice").hidden = names.length > 0 || performance.now() - started < 2000;
    at("voice").closest(".field").hidden = !names.length;
    if (known === names.join()) return;
    known = names.join();
    at("voice").replaceChildren(...names.map((name) => new Option(name, name, false, name === rotrackVoice.voice()?.name)));
  };
  voices();
  setInterval(voices, 500);
  at("voice").addEventListener("change", (event) => keep("voice", event.target.value));
  at("test").addEventListener("click", () => rotrackVoice.speak({ text: at("test").dataset.say, beep: true, cut: true }));
  const tell = (name, value) => (document.cookie = `rotrack_${name}=${value}; path=/; max-age=31536000; samesite=strict`);
  at("private").addEventListener("change", (event) => tell("private", event.target.checked ? "yes" : "no"));
  at("units").addEventListener("change", (event) => tell("units", event.target.value));
  page.dataset.ready = "yes";
};

const waitForSettings = setInterval(() => { // the page is built after this script has loaded
  const page = document.getElementById("settings");
  if (!page || !window.rotrackVoice) return;
  clearInterval(waitForSettings);
  showSettings(page);
}, 30);
