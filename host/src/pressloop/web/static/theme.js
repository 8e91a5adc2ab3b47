// The button that goes through the colours; theme_first.js owns the choice.
import { $ } from "./dom.js";

const ORDER = ["", "light", "dark"];
const WORDS = { "": "as the system", light: "light", dark: "dark" };

const { chosen, choose } = globalThis.colours;

function name() {
  const text = `Colours: ${WORDS[chosen()]}`;
  $("theme").setAttribute("aria-label", text);
  $("theme").title = text;
}

$("theme").addEventListener("click", () => {
  choose(ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length]);
  name();
});
name();
