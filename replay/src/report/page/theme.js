// Dark or light: as the system has it, until somebody chooses. The choice is kept nowhere, since a
// page that came by mail has no place of its own.

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
}

/** The switch says what it would bring. */
function nameTheme() {
  const toggle = element("theme");
  toggle.textContent = isDark() ? "Light" : "Dark";
  toggle.setAttribute("aria-pressed", isDark());
  toggle.setAttribute("aria-label", `Colours: ${isDark() ? "dark" : "light"}; switch to ${isDark() ? "light" : "dark"}`);
}
