// Plays truth and dream in step. One clip leads; the others are set back to it when they drift.
"use strict";
(() => {
  const section = document.getElementById("player");
  if (!section) return;
  const fps = Number(section.dataset.fps);
  const frames = Number(section.dataset.frames);
  const given = Number(section.dataset.given);
  const clips = JSON.parse(document.getElementById("clips").textContent);
  const videos = [...section.querySelectorAll("video")];
  const lead = videos[0];
  const [play, back, forward] = ["play", "back", "forward"].map((name) => section.querySelector(`.${name}`));
  const scrub = section.querySelector("#scrub");
  const clock = section.querySelector("#clock");
  const speed = section.querySelector("#speed");
  const repeat = section.querySelector("#repeat");
  const selectors = [...section.querySelectorAll("select[data-choice]")];
  const blobs = new Map();
  let playing = false;

  // A blob can be sought everywhere; some browsers do not seek in data: addresses.
  const address = (data) => {
    if (!blobs.has(data)) {
      const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (c) => c.charCodeAt(0));
      blobs.set(data, URL.createObjectURL(new Blob([bytes], { type: "video/mp4" })));
    }
    return blobs.get(data);
  };

  const frameAt = (time) => Math.max(0, Math.min(frames - 1, Math.floor(time * fps + 1e-3)));
  const middle = (frame) => (frame + 0.5) / fps; // never on the edge between two frames

  const show = (frame) => {
    scrub.value = frame;
    const words = `t = ${(frame / fps).toFixed(1)} s, frame ${frame + 1} of ${frames}`;
    clock.textContent = words;
    scrub.setAttribute("aria-valuetext", words);
    for (const note of section.querySelectorAll(".given-now")) note.hidden = frame >= given;
    for (const note of section.querySelectorAll(".dreamt-now")) note.hidden = frame < given;
  };

  const seek = (frame) => {
    for (const video of videos) video.currentTime = middle(frame);
    show(frame);
  };

  const setPlaying = (on) => {
    playing = on;
    play.textContent = on ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", String(on));
    for (const video of videos) {
      video.playbackRate = Number(speed.value);
      if (on) video.play().catch(() => { playing = false; }); else video.pause();
    }
    if (on) requestAnimationFrame(tick); else seek(frameAt(lead.currentTime));
  };

  const tick = () => {
    if (!playing) return;
    if (lead.ended || lead.currentTime >= (frames - 0.02) / fps) {
      if (!repeat.checked) { setPlaying(false); seek(frames - 1); return; }
      for (const video of videos) { video.currentTime = 0; video.play().catch(() => {}); }
    } else {
      for (const video of videos) {
        const drift = video.currentTime - lead.currentTime;
        if (Math.abs(drift) > 0.4 / fps && !video.seeking) video.currentTime = lead.currentTime;
      }
    }
    show(frameAt(lead.currentTime));
    requestAnimationFrame(tick);
  };

  const choose = () => {
    const chosen = Object.fromEntries(selectors.map((s) => [s.dataset.choice, s.value]));
    const frame = frameAt(lead.currentTime || 0);
    const resume = playing;
    if (resume) setPlaying(false);
    const ready = videos.map((video) => {
      const { source, camera } = video.dataset;
      const wanted = address(clips[[source, chosen.case, camera, chosen[source]].join("|")]);
      if (video.src === wanted) return Promise.resolve();
      video.src = wanted;
      video.load();
      return new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
    });
    Promise.all(ready).then(() => { seek(frame); if (resume) setPlaying(true); });
  };

  play.addEventListener("click", () => {
    if (!playing && frameAt(lead.currentTime) >= frames - 1) seek(0);
    setPlaying(!playing);
  });
  back.addEventListener("click", () => { setPlaying(false); seek(Math.max(0, Number(scrub.value) - 1)); });
  forward.addEventListener("click", () => { setPlaying(false); seek(Math.min(frames - 1, Number(scrub.value) + 1)); });
  scrub.addEventListener("input", () => {
    const frame = Number(scrub.value); // setPlaying(false) writes the slider, so read it first
    if (playing) setPlaying(false);
    seek(frame);
  });
  speed.addEventListener("change", () => { for (const video of videos) video.playbackRate = Number(speed.value); });
  for (const selector of selectors) selector.addEventListener("change", choose);
  choose();
})();
