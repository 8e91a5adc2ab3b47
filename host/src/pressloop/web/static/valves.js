// How far the valves are open, and what the inputs say.
import { $, setText } from "./dom.js";
import { on } from "./store.js";

on("frame", ({ out, sealed }) => {
  if (out === undefined) return;
  const pump = Math.max(0, out);
  const release = Math.max(0, -out);
  $("pump-bar").style.width = `${pump}%`;
  $("release-bar").style.width = `${release}%`;
  setText($("pump"), `${pump.toFixed(0)} %`);
  setText($("release"), `${release.toFixed(0)} %`);
  setText($("sealed"), sealed ? "Both valves are shut: the hold is sealed." : "");
});

function lamp(id, isGood, good, bad) {
  const element = $(id);
  element.dataset.lamp = isGood ? "good" : "bad";
  setText(element.querySelector("b"), isGood ? good : bad);
}

on("status", (status) => {
  if (!status) {
    for (const id of ["lamp-stop", "lamp-guard", "lamp-host"]) {
      $(id).dataset.lamp = "off";
      setText($(id).querySelector("b"), "–");
    }
    return;
  }
  lamp("lamp-stop", !status.emergency_stop, "released", "pressed");
  lamp("lamp-guard", !status.guard_open, "closed", "open");
  lamp("lamp-host", !status.host_lost, "yes", "no");
});
