// Keeps the newest message of each kind, and passes each message to those who asked for its kind.
const newest = new Map();
const listeners = new Map();

export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, []);
  listeners.get(kind).push(listener);
  if (newest.has(kind)) listener(newest.get(kind));
}

export function emit(kind, data) {
  newest.set(kind, data);
  for (const listener of listeners.get(kind) ?? []) listener(data);
}

export const state = (kind) => newest.get(kind) ?? null;
