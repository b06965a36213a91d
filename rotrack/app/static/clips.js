// Recorded clips: dropped anywhere on the page or chosen, announced at once, and sent one after the other.
(() => {
  const at = (id) => document.getElementById(id);
  const waiting = [];
  let sending = false;

  const failed = (name) => {
    const place = at("not-sent");
    if (place) place.textContent = at("drop").dataset.failed.replace("NAME", name);
  };

  const announced = async (file) => {
    const told = { name: file.name, size: file.size, changed: file.lastModified || 0 };
    for (const id of ["person", "drill", "side", "model"]) told[id] = at(id).value;
    told.annotate = at("annotate").checked ? "yes" : "";
    const answer = await fetch("/clips/new", { method: "POST", body: JSON.stringify(told) });
    const said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    if (said.problem) at("not-sent").textContent = said.problem;
    else if (!answer.ok) failed(file.name);
    return said.id || "";
  };

  const send = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const { id, file } = waiting.shift();
      try {
        await fetch(`/clips/${id}`, { method: "PUT", body: file });
      } catch {
        failed(file.name); // the list says it of each, too
      }
    }
    sending = false;
  };

  const take = async (files) => {
    at("not-sent").textContent = "";
    for (const file of files) {
      try {
        const id = await announced(file);
        if (id) waiting.push({ id, file });
      } catch {
        failed(file.name);
      }
      send();
    }
  };

  document.addEventListener("change", (event) => {
    if (event.target.id !== "files") return;
    take([...event.target.files]);
    event.target.value = ""; // the same video may be chosen again
  });
  for (const kind of ["dragover", "dragleave", "drop"])
    document.addEventListener(kind, (event) => {
      event.preventDefault(); // else the browser would open the video in the place of the page
      at("drop")?.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
})();
