// The gallery: one frame for each state.
"use strict";
(() => {
  const states = [
    ["closed"], ["unread"], ["open"], ["streaming"], ["answer"], ["error"], ["offline"], ["stopped"], ["past"], ["files"], ["people"],
    ["handoff"], ["open", "theme=dark"], ["answer", "theme=dark"], ["error", "theme=dark"], ["open", "lang=ar"], ["answer", "lang=he"],
    ["answer", "mobile"], ["open", "lang=ja"],
  ];
  const main = document.getElementById("states");
  for (const [state, extra = ""] of states) {
    const address = `/gallery/state?state=${state}&${extra}`;
    const frame = document.createElement("iframe");
    frame.src = address;
    frame.loading = "lazy";
    frame.title = `${state} ${extra}`;
    frame.className = extra;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = [state, extra.replace("=", " ")].filter(Boolean).join(" · ");
    const caption = document.createElement("figcaption");
    caption.append(link);
    const figure = document.createElement("figure");
    figure.append(caption, frame);
    main.append(figure);
  }
})();
