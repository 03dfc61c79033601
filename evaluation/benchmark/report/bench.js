// Films of truth and dream in step, and sliders over the levels of what-ifs.
"use strict";
(() => {
  // A blob can be sought everywhere; some browsers do not seek in data: addresses.
  const asBlob = (video) => {
    const data = video.getAttribute("src");
    const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (c) => c.charCodeAt(0));
    video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    video.controls = false;
    video.preload = "auto";
    video.load();
  };

  const film = (box) => {
    const fps = Number(box.dataset.fps);
    const frames = Number(box.dataset.frames);
    const given = Number(box.dataset.given);
    const videos = [...box.querySelectorAll("video")];
    const lead = videos[0];
    const play = box.querySelector(".play");
    const scrub = box.querySelector("input");
    const clock = box.querySelector(".clock");
    let playing = false;
    let shown = 0; // the frame that is sought; while playing, the one that is seen
    const middle = (frame) => (frame + 0.5) / fps; // never on the edge between two frames
    const frameAt = (time) => Math.max(0, Math.min(frames - 1, Math.floor(time * fps + 1e-3)));

    const show = (frame) => {
      shown = frame;
      scrub.value = frame;
      clock.textContent = `${(frame / fps).toFixed(2)} s, ${frame < given ? "given" : "dreamt"}`;
      scrub.setAttribute("aria-valuetext", clock.textContent);
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
        if (on) video.play().catch(() => { playing = false; }); else video.pause();
      }
      if (on) requestAnimationFrame(tick); else seek(frameAt(lead.currentTime));
    };
    const tick = () => {
      if (!playing) return;
      if (lead.ended || lead.currentTime >= (frames - 0.02) / fps) {
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

    videos.forEach(asBlob);
    for (const video of videos) {
      video.addEventListener("loadeddata", () => { if (!playing) video.currentTime = middle(shown); }, { once: true });
    }
    play.addEventListener("click", () => setPlaying(!playing));
    scrub.addEventListener("input", () => {
      const frame = Number(scrub.value); // setPlaying(false) writes the slider, so read it first
      if (playing) setPlaying(false);
      seek(frame);
    });
    box.querySelector(".controls").hidden = false;
    show(0);
  };

  // Films are decoded when they come near the window: a large suite has hundreds.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      film(entry.target);
    }
  }, { rootMargin: "300px" });
  for (const box of document.querySelectorAll(".film")) near.observe(box);

  for (const article of document.querySelectorAll(".what-if")) {
    const steps = JSON.parse(article.dataset.steps);
    const lever = article.querySelector(".lever");
    const slider = lever.querySelector("input");
    const output = lever.querySelector("output");
    const cursor = article.querySelector(".cursor");
    const show = () => {
      const step = steps[Number(slider.value)];
      const title = document.createElement("b");
      title.textContent = step.level + (step.inside ? "" : ": outside the training range");
      const cells = step.values.flat().map((text) => {
        const cell = document.createElement("span");
        cell.textContent = text;
        return cell;
      });
      output.replaceChildren(title, ...cells);
      slider.setAttribute("aria-valuetext", title.textContent);
      lever.classList.toggle("outside", !step.inside);
      cursor.style.left = `${step.place}%`;
    };
    slider.value = Math.floor((steps.length - 1) / 2);
    slider.addEventListener("input", show);
    lever.hidden = false;
    cursor.hidden = false;
    show();
  }

  // A link from the chart opens the scenario that it leads to.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
})();
