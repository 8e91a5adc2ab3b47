// Owns the choice of colours: light, dark, or as the system has it; remembered on this computer.
// It runs before the page is drawn for the first time, so it is no module; theme.js has the button.
globalThis.colours = (() => {
  const KEY = "pressloop-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = localStorage.getItem(KEY) ?? "";

  function show() {
    document.documentElement.dataset.theme = chosen || (dark.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("theme"));
  }

  dark.addEventListener("change", show);
  show();
  return {
    chosen: () => chosen,
    choose(theme) {
      chosen = theme;
      localStorage.setItem(KEY, theme);
      show();
    },
  };
})();
