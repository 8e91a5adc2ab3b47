// Sends requests to the server; an error has what failed and what to do next.
import { viewer } from "./identity.js";

export class RequestError extends Error {
  constructor({ code = "", message = "", hint = "", findings = [] }) {
    super(message);
    Object.assign(this, { code, hint, findings });
  }
}

const SERVER_GONE = {
  code: "no-server",
  message: "The program that serves this page does not answer.",
  hint: "Look at the press itself. In an emergency use the hard-wired emergency stop.",
};

async function answered(promise) {
  let response;
  try {
    response = await promise;
  } catch {
    throw new RequestError(SERVER_GONE);
  }
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw new RequestError(data.error ?? { message: `The server refused: ${response.status}.` });
  return data;
}

export function post(path, data = {}) {
  const headers = { "content-type": "application/json", "x-pressloop": "1", "x-pressloop-viewer": viewer };
  return answered(fetch(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(data), keepalive: true }));
}

export function get(path, query = {}) {
  return answered(fetch(`/api/${path}?${new URLSearchParams(query)}`));
}
