// The secret by which the server knows this page, and the name of its user.
const SECRET = "pressloop-viewer";
const NAME = "pressloop-name";

function newSecret() {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A page that is loaded again keeps its secret, and with it the control of the press.
export const viewer = sessionStorage.getItem(SECRET) ?? newSecret();
sessionStorage.setItem(SECRET, viewer);

export const userName = () => localStorage.getItem(NAME) ?? "";
export const setUserName = (name) => localStorage.setItem(NAME, name);
