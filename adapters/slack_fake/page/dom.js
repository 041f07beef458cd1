// Elements without markup strings: what somebody wrote only ever becomes text.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (value === true) node.setAttribute(key, "");
    else node.setAttribute(key, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function clock(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Put `children` into `node` only when they differ, so that a look every 50 ms keeps focus and selection. */
export function fill(node, children) {
  const next = el("div", {}, children);
  if (next.innerHTML === node.innerHTML && node.childElementCount) return false;
  node.replaceChildren(...next.childNodes);
  return true;
}

/** `fill` for a list of keyed rows: only rows that changed are replaced. */
export function fillRows(node, rows) {
  const known = new Map([...node.children].map((child) => [child.dataset.key, child]));
  let place = node.firstElementChild;
  let isChanged = rows.length !== node.childElementCount;
  for (const [key, sign, build] of rows) {
    let row = known.get(key);
    if (!row || row.dataset.sign !== sign) {
      const fresh = build();
      fresh.dataset.key = key;
      fresh.dataset.sign = sign;
      if (row) {
        if (row === place) place = fresh;
        row.replaceWith(fresh);
      }
      row = fresh;
      isChanged = true;
    }
    known.delete(key);
    if (row === place) place = place.nextElementSibling;
    else node.insertBefore(row, place);
  }
  for (const gone of known.values()) gone.remove();
  return isChanged;
}
