// Speaks and beeps, in the way that was chosen in this browser: its voices are its own, so the choice is kept here.
window.rotrackVoice = (() => {
  const kept = (name, usual) => localStorage.getItem(`rotrack_${name}`) ?? usual;
  const on = () => kept("sound", "yes") !== "no";
  const language = () => (document.querySelector("[data-speech]")?.dataset.speech || "en-GB").toLowerCase();
  const spoken = (one) => one.lang.toLowerCase().replace("_", "-");
  // Voices of another language would not be understood, and those that are not local would send the words away.
  const voices = () => (window.speechSynthesis?.getVoices() || []).filter(
    (one) => one.localService && spoken(one).split("-")[0] === language().split("-")[0]);
  const voice = () => {
    const own = voices(), chosen = kept("voice", "");
    return own.find((one) => one.name === chosen) || own.find((one) => spoken(one) === language()) || own[0];
  };
  let audio = null;
  const wake = () => {
    audio = audio || new AudioContext();
    audio.resume();
  };
  ["pointerdown", "keydown"].forEach((name) => addEventListener(name, wake, { once: true }));
  const beep = (pitch = 880) => {
    try {
      audio = audio || new AudioContext();
      const tone = audio.createOscillator(), loud = audio.createGain();
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.15 * Number(kept("volume", 1)) + 0.0001, audio.currentTime);
      loud.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.25);
      tone.connect(loud).connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + 0.25);
    } catch {
      // no sound on this device; everything is on the screen too
    }
  };
  const hush = () => window.speechSynthesis?.cancel();
  const speak = (say) => {
    (window.rotrackSaid = window.rotrackSaid || []).push(say.text);
    if (!on()) return;
    if (say.cut) hush();
    if (say.beep) beep();
    const own = voice();
    if (!own) return say.beep ? undefined : beep(440);
    const words = new SpeechSynthesisUtterance(say.text);
    words.lang = own.lang;
    words.voice = own;
    words.volume = Number(kept("volume", 1));
    words.rate = Number(kept("pace", 1));
    speechSynthesis.speak(words);
  };
  return { speak, beep, hush, voice, voices, on };
})();
