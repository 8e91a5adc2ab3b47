// Puts the page together.
import "./theme.js";
import "./announce.js";
import "./freshness.js";
import "./readout.js";
import "./timeline.js";
import "./valves.js";
import * as attention from "./attention.js";
import * as commands from "./commands.js";
import { connect } from "./connection.js";
import * as control from "./control.js";
import { $, setText } from "./dom.js";
import * as editor from "./editor.js";
import * as keys from "./keys.js";
import * as liveChart from "./live_chart.js";
import * as machine from "./machine.js";
import * as protocols from "./protocols.js";
import * as runs from "./runs.js";
import * as startDialog from "./start_dialog.js";
import { on } from "./store.js";
import * as views from "./views.js";

on("machine", (press) => {
  setText($("press-name"), press?.name ?? press?.board ?? "");
  $("simulated").hidden = !press?.simulated;
});

for (const part of [control, commands, attention, liveChart, editor, protocols, startDialog, runs, machine, keys, views]) part.begin();
connect();
