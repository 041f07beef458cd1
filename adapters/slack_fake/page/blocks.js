// Block Kit as the page shows it. `press(action_id, value)` is called for what is clicked.

import { el } from "./dom.js";
import { inline, render } from "./text.js";

const textOf = (text) => (typeof text === "string" ? text : (text?.text ?? ""));

function button(element, press) {
  const style = element.style === "danger" ? "danger" : element.style === "primary" ? "primary" : "";
  return el(
    "button",
    {
      type: "button",
      class: `block-button ${style}`,
      onclick: () => {
        if (element.confirm && !window.confirm(`${textOf(element.confirm.title)}\n\n${textOf(element.confirm.text)}`)) return;
        if (element.url) window.open(element.url, "_blank", "noopener");
        press(element.action_id, element.value);
      },
    },
    textOf(element.text) || element.action_id,
  );
}

function feedback(element, press) {
  const sides = [
    ["positive_button", "▲"],
    ["negative_button", "▼"],
  ];
  return sides
    .filter(([side]) => element[side])
    .map(([side, sign]) =>
      el(
        "button",
        {
          type: "button",
          class: "icon",
          title: textOf(element[side].text),
          "aria-label": element[side].accessibility_label ?? textOf(element[side].text),
          onclick: () => press(element.action_id, element[side].value),
        },
        `${sign} ${textOf(element[side].text)}`,
      ),
    );
}

function options(element, press) {
  return el(
    "select",
    { "aria-label": textOf(element.placeholder) || element.action_id, onchange: (e) => press(element.action_id, e.target.value) },
    el("option", { value: "" }, textOf(element.placeholder) || "Choose"),
    (element.options ?? []).map((option) =>
      el("option", { value: option.value, selected: option.value === element.initial_option?.value }, textOf(option.text)),
    ),
  );
}

export function control(element, press, users) {
  switch (element.type) {
    case "button":
      return button(element, press);
    case "icon_button":
      return button({ ...element, text: textOf(element.text) || element.icon }, press);
    case "feedback_buttons":
      return feedback(element, press);
    case "static_select":
    case "overflow":
    case "radio_buttons":
      return options(element, press);
    case "mrkdwn":
    case "plain_text":
      return el("span", {}, inline(textOf(element), users));
    default:
      return el("span", { class: "unknown" }, `[${element.type}]`);
  }
}

function field(block) {
  const element = block.element;
  const shared = { "data-block": block.block_id, "data-action": element.action_id };
  let entry;
  if (element.type === "plain_text_input" && element.multiline) {
    entry = el("textarea", { ...shared, rows: "4", placeholder: textOf(element.placeholder) || null }, element.initial_value ?? "");
  } else if (element.type === "static_select" || element.type === "radio_buttons") {
    entry = el(
      "select",
      { ...shared, "data-type": element.type },
      element.options.map((o) =>
        el("option", { value: o.value, selected: o.value === element.initial_option?.value }, textOf(o.text)),
      ),
    );
  } else {
    entry = el("input", { ...shared, value: element.initial_value ?? "" });
  }
  const label = textOf(block.label) + (block.optional ? " (optional)" : "");
  return el("label", { class: "field" }, label, entry, el("span", { class: "error", "data-error": block.block_id }));
}

function taskCard(block) {
  const sign = { complete: "✓", error: "!", in_progress: "…" }[block.status] ?? "·";
  return el(
    "div",
    { class: `task ${block.status ?? ""}` },
    el("span", { class: "sign", "aria-hidden": "true" }, sign),
    el("span", {}, textOf(block.title)),
    block.output ? el("small", {}, textOf(block.output)) : null,
  );
}

export function renderBlock(block, press, users) {
  switch (block.type) {
    case "markdown":
      return el("div", {}, render(block.text, users));
    case "section":
      return el(
        "div",
        { class: "section" },
        el(
          "div",
          {},
          block.text ? render(textOf(block.text), users) : null,
          (block.fields ?? []).map((f) => el("div", { class: "fact" }, inline(textOf(f), users))),
        ),
        block.accessory ? control(block.accessory, press, users) : null,
      );
    case "header":
      return el("h3", {}, textOf(block.text));
    case "divider":
      return el("hr");
    case "context":
      return el("p", { class: "context" }, block.elements.flatMap((e, i) => [i ? " " : "", control(e, press, users)]));
    case "actions":
    case "context_actions":
      return el("div", { class: "actions" }, block.elements.map((element) => control(element, press, users)));
    case "task_card":
      return taskCard(block);
    case "input":
      return field(block);
    default:
      return el("p", { class: "unknown" }, `[${block.type}]`);
  }
}

export function renderBlocks(blocks, press, users) {
  return blocks.map((block) => renderBlock(block, press, users));
}

/** What a modal's fields hold, as {block_id: {action_id: state}}. */
export function valuesOf(form) {
  const values = {};
  for (const entry of form.querySelectorAll("[data-block]")) {
    const { block, action, type } = entry.dataset;
    const chosen = type ? { value: entry.value, text: { type: "plain_text", text: entry.value } } : null;
    values[block] = { [action]: type ? { type, selected_option: chosen } : entry.value };
  }
  return values;
}
