// A plain script in the head: theme and language stand before the first paint, so that nothing flashes.
(() => {
  /** @param {string} key */
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      // Storage may be forbidden.
      return null;
    }
  };
  const root = document.documentElement;
  const theme = stored("upconv.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const asked = new URLSearchParams(location.search).get("lang") ?? stored("upconv.language") ?? navigator.language;
  const chinese = asked.toLowerCase().startsWith("zh");
  root.dataset.language = chinese ? "zh" : "en";
  root.lang = chinese ? "zh-CN" : "en";
})();
