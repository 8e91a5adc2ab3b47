// The list of protocols: those of the folder, then the ready-made ones.
import { get } from "./api.js";
import { $, el, replace, setText } from "./dom.js";
import * as editor from "./editor.js";
import { plain, span } from "./format.js";
import { notice } from "./notices.js";
import { on } from "./store.js";
import { onOpen } from "./views.js";

const NEW_TEXT = `pressloop: 1
name: New protocol
die: 10 mm
ceiling: 110 MPa
stages:
  - name: press
    ramp: {target: 100 MPa, rate: 10 MPa/s}
    hold: {duration: 1 min, tolerance: 2 %}
    release: {target: 0 MPa, rate: 20 MPa/s}
`;

function row(protocol) {
  const facts = protocol.valid
    ? `${protocol.highest}, ${plain(protocol.die_mm)} mm die, ${span(protocol.expected_s)}`
    : protocol.errors ? `${protocol.errors} error${protocol.errors > 1 ? "s" : ""}` : "not checked: no press is connected";
  return el(
    "li", { class: `choice${protocol.id === editor.currentId() ? " is-chosen" : ""}` },
    el("button", { type: "button", onclick: () => open(protocol.id) },
      el("b", {}, protocol.name ?? protocol.id),
      el("small", { class: protocol.errors ? "bad" : "" }, protocol.errors ? `✗ ${facts}` : facts),
      protocol.ready ? el("small", {}, protocol.aim) : el("small", {}, protocol.id)),
  );
}

async function load() {
  try {
    const { folder, rows } = await get("protocols");
    const own = rows.filter(({ ready }) => !ready);
    const ready = rows.filter((one) => one.ready);
    setText($("protocol-folder"), `From ${folder}`);
    replace(
      $("protocol-list"), ...own.map(row), own.length ? null : el("li", { class: "note" }, "The folder has no protocol yet. Save a ready-made one under a name of your own."),
      el("li", { class: "group" }, "Ready-made, to start from"), ...ready.map(row),
    );
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
  }
}

async function open(id) {
  if (!editor.mayLeave()) return;
  try {
    editor.edit(await get("protocol", { id }));
    load();
  } catch (error) {
    notice(`${error.message} ${error.hint}`, "bad");
  }
}

export function begin() {
  onOpen("protocols", load);
  $("protocol-new").addEventListener("click", () => {
    if (editor.mayLeave()) editor.edit({ id: "", text: NEW_TEXT, ready: false, sha256: null, check: null });
  });
  document.addEventListener("saved", load);
  on("machine", () => {
    if (!$("view-protocols").hidden) load();
  });
}
