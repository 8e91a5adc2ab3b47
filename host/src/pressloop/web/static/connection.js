// Keeps the web socket to the server open, and passes on what comes.
import { viewer } from "./identity.js";
import { emit } from "./store.js";

const ALIVE_MS = 2000;
const RETRY_MS = 700;

let socket = null;

function say() {
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ viewer, visible: document.visibilityState === "visible" }));
  }
}

export function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live`);
  socket.addEventListener("open", () => {
    say();
    emit("server", true);
  });
  socket.addEventListener("message", (event) => {
    for (const { kind, data } of JSON.parse(event.data)) emit(kind, data);
  });
  socket.addEventListener("close", () => {
    emit("server", false);
    setTimeout(connect, RETRY_MS);
  });
}

setInterval(say, ALIVE_MS);
document.addEventListener("visibilitychange", say);
